using System.Runtime.InteropServices;

namespace Vmem.Memory;

/// <summary>The functions behind <see cref="MemoryFunctions"/>: C on one side, a target on the other, and no exception in
/// between.</summary>
internal static unsafe class CallbackFunctions
{
    [UnmanagedCallersOnly]
    public static void* Malloc(void* context, nuint size)
    {
        ICallbackTarget? target = CallbackTargets.Find((nint)context);
        try
        {
            return target is not null && target.TryAllocate(size, out void* block) ? block : null;
        }
        catch (Exception e)
        {
            target!.NoteRefused(e);
            return null;
        }
    }

    [UnmanagedCallersOnly]
    public static void* Calloc(void* context, nuint count, nuint size)
    {
        ICallbackTarget? target = CallbackTargets.Find((nint)context);
        try
        {
            UInt128 total = (UInt128)count * size;
            return total <= nuint.MaxValue && target is not null && target.TryAllocateZeroed((nuint)total, out void* block) ? block : null;
        }
        catch (Exception e)
        {
            target!.NoteRefused(e);
            return null;
        }
    }

    [UnmanagedCallersOnly]
    public static void* Realloc(void* context, void* block, nuint size) => Resize((nint)context, block, size);

    [UnmanagedCallersOnly]
    public static void Free(void* context, void* block) => Release((nint)context, block);

    [UnmanagedCallersOnly]
    public static nuint UsableSize(void* context, void* block)
    {
        ICallbackTarget? target = CallbackTargets.Find((nint)context);
        try
        {
            return target is null || block is null ? 0 : target.GetSize(block);
        }
        catch (Exception e)
        {
            target!.NoteRefused(e);
            return 0;
        }
    }

    [UnmanagedCallersOnly]
    public static void* LuaAlloc(void* context, void* block, nuint oldSize, nuint size)
    {
        if (size != 0)
        {
            return Resize((nint)context, block, size);
        }

        Release((nint)context, block);
        return null;
    }

    [UnmanagedCallersOnly]
    public static void* ZAlloc(void* context, uint items, uint size)
    {
        // The product may pass 32 bits, not 64.
        ulong total = (ulong)items * size;
        return total <= nuint.MaxValue ? Resize((nint)context, null, (nuint)total) : null;
    }

    private static void* Resize(nint context, void* block, nuint size)
    {
        ICallbackTarget? target = CallbackTargets.Find(context);
        try
        {
            return target is not null && target.TryReallocate(block, size, out void* resized) ? resized : null;
        }
        catch (Exception e)
        {
            target!.NoteRefused(e);
            return null;
        }
    }

    private static void Release(nint context, void* block)
    {
        ICallbackTarget? target = CallbackTargets.Find(context);
        try
        {
            target?.Free(block);
        }
        catch (Exception e)
        {
            target!.NoteRefused(e);
        }
    }
}
