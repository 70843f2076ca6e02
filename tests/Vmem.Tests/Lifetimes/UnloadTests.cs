using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;
using Xunit;

namespace Vmem.Tests.Lifetimes;

/// <summary>A plug-in's host unloads it with its own copy of the library. What was disposed of, or dropped, keeps nothing loaded.</summary>
public class UnloadTests
{
    [Theory]
    [InlineData("arena", true)]
    [InlineData("cached arena", true)]
    [InlineData("object cache", true)]
    [InlineData("buddy", true)]
    [InlineData("arena", false)]
    [InlineData("cached arena", false)]
    [InlineData("object cache", false)]
    [Trait("Once", "Release")]
    public void The_library_is_unloaded_when_its_context_is(string kind, bool dispose)
    {
        WeakReference context = UseAndUnload(kind, dispose);
        // Other threads (the compiler's, a timer's) may be in its code for a while.
        for (int i = 0; i < 200 && context.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Sleep(i);
        }

        Assert.False(context.IsAlive);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference UseAndUnload(string kind, bool dispose)
    {
        var context = new AssemblyLoadContext("plug-in", isCollectible: true);
        Assembly library = context.LoadFromAssemblyPath(typeof(Arena<uint>).Assembly.Location);
        Assert.NotEqual(typeof(Arena<uint>).Assembly, library);
        object used = kind switch
        {
            "arena" => UseArena(library, cached: 0),
            "cached arena" => UseArena(library, cached: 8),
            "object cache" => UseObjectCache(library),
            _ => UseBuddy(library),
        };
        if (dispose && used is IDisposable disposable)
        {
            disposable.Dispose();
        }

        context.Unload();
        return new WeakReference(context);
    }

    private static object UseArena(Assembly library, uint cached)
    {
        object options = Activator.CreateInstance(library.GetType("Vmem.ArenaOptions`1")!.MakeGenericType(typeof(uint)))!;
        options.GetType().GetProperty("QuantumCacheMax")!.SetValue(options, cached);
        Type type = library.GetType("Vmem.Arena`1")!.MakeGenericType(typeof(uint));
        object arena = Activator.CreateInstance(type, "plugged in", 0u, 4_096u, 1u, options)!;
        MethodInfo allocate = type.GetMethod("Allocate", [typeof(uint)])!;
        MethodInfo free = type.GetMethod("Free", [typeof(uint), typeof(uint)])!;
        for (int i = 0; i < 3; i++)
        {
            free.Invoke(arena, [allocate.Invoke(arena, [5u]), 5u]);
        }

        return arena;
    }

    private static object UseObjectCache(Assembly library)
    {
        Type type = library.GetType("Vmem.ObjectCache`1")!.MakeGenericType(typeof(object));
        object cache = Activator.CreateInstance(type, "plugged in", (Func<object>)(() => new object()), null, null, null)!;
        object rented = type.GetMethod("Rent")!.Invoke(cache, [])!;
        type.GetMethod("Return")!.Invoke(cache, [rented]);
        return cache;
    }

    private static object UseBuddy(Assembly library)
    {
        Type type = library.GetType("Vmem.BuddyAllocator`1")!.MakeGenericType(typeof(uint));
        object buddy = Activator.CreateInstance(type, 0u, 1_024u, 1u, 64u, null)!;
        object?[] block = [3u, null];
        type.GetMethod("TryAllocate", [typeof(uint), typeof(uint).MakeByRefType()])!.Invoke(buddy, block);
        return buddy;
    }
}
