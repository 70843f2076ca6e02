using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Silk.NET.Vulkan;

namespace Vmem.Vulkan.Tests.Drivers;

/// <summary>A VkAllocationCallbacks that counts what the driver holds for us: each memory, buffer, image and fence is at least one block of
/// host memory, and all are back when the last of them is.</summary>
internal sealed unsafe class DriverCount : IDisposable
{
    private readonly Block* _block;

    public DriverCount()
    {
        _block = (Block*)NativeMemory.AllocZeroed((nuint)sizeof(Block));
        _block->Callbacks = new AllocationCallbacks
        {
            PUserData = _block,
            PfnAllocation = new PfnAllocationFunction(&Allocate),
            PfnReallocation = new PfnReallocationFunction(&Reallocate),
            PfnFree = new PfnFreeFunction(&Free),
        };
        _block->FailAt = long.MaxValue;
    }

    /// <summary>Called, once, as a request fails; null: nothing is. Tests of the driver run one after the other.</summary>
    public static Action? Failing { get; set; }

    public nint Address => (nint)(&_block->Callbacks);

    /// <summary>How many blocks the driver holds.</summary>
    public long Held => Volatile.Read(ref _block->Held);

    /// <summary>How many it has asked for.</summary>
    public long Asked => Volatile.Read(ref _block->Asked);

    /// <summary>The request of this number fails, as if memory had run out.</summary>
    public long FailAt
    {
        get => _block->FailAt;
        set => _block->FailAt = value;
    }

    public void Dispose() => NativeMemory.Free(_block);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void* Allocate(void* user, nuint size, nuint alignment, SystemAllocationScope scope)
    {
        var block = (Block*)user;
        if (Interlocked.Increment(ref block->Asked) == block->FailAt)
        {
            Action? failing = Failing;
            Failing = null;
            failing?.Invoke();
            return null;
        }

        _ = Interlocked.Increment(ref block->Held);
        return NativeMemory.AlignedAlloc(size, alignment);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void* Reallocate(void* user, void* original, nuint size, nuint alignment, SystemAllocationScope scope)
    {
        _ = original == null ? Interlocked.Increment(ref ((Block*)user)->Held) : 0;
        return NativeMemory.AlignedRealloc(original, size, alignment);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Free(void* user, void* memory)
    {
        if (memory != null)
        {
            _ = Interlocked.Decrement(ref ((Block*)user)->Held);
            NativeMemory.AlignedFree(memory);
        }
    }

    private struct Block
    {
        public AllocationCallbacks Callbacks;
        public long Held;
        public long Asked;
        public long FailAt;
    }
}
