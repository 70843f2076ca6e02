using System.Buffers;
using System.Runtime.CompilerServices;
using Vmem.Memory.Tests.Window;
using Vmem.Memory.Window;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>Who keeps a heap that the program itself has dropped: whatever still leads to its memory, but for pointers.</summary>
public unsafe class KeptHeapTests
{
    public enum Keeper
    {
        Pool,
        Writer,
        Owner,
        MemoryAlone,
        Functions,
    }

    [Theory]
    [InlineData(Keeper.Pool)]
    [InlineData(Keeper.Writer)]
    [InlineData(Keeper.Owner)]
    [InlineData(Keeper.MemoryAlone)]
    [InlineData(Keeper.Functions)]
    public void What_leads_to_its_memory_keeps_a_heap(Keeper keeper)
    {
        (object kept, WeakReference heap) = Make(keeper);
        Collect();
        Assert.True(heap.IsAlive);
        Use(kept);
        if (heap.Target is NativeHeap alive)
        {
            alive.Validate();
            alive.Dispose();
        }
    }

    [Fact]
    public void A_pointer_keeps_no_heap()
    {
        WeakReference heap = MakePointer();
        Collect();
        Assert.False(heap.IsAlive);
    }

    /// <summary>Whom it would tell of leaks, damage and wrong calls mostly leads to the heap, as here: it is the heap's own user.</summary>
    [Theory]
    [InlineData(false, 0)]
    [InlineData(true, 0)]
    [InlineData(true, 1)]
    public void What_it_would_tell_keeps_no_heap(bool debugs, int sample)
    {
        using OwnWindow own = new();
        MakeDropped(own.Window, debugs, sample);
        Assert.NotEqual(0u, own.Window.InUse);
        for (int i = 0; i < 20 && own.Window.InUse > 0; i++)
        {
            Collect();
        }

        Assert.Equal(0u, own.Window.InUse);
    }

    /// <summary>The heap's options keep them, and nothing else need.</summary>
    [Fact]
    public void Who_is_to_be_told_stays_as_long_as_the_heap()
    {
        StrongBox<int> told = new();
        NativeHeap heap = MakeTelling(told);
        Collect();
        heap.Dispose();
        Assert.Equal(2, told.Value);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static NativeHeap MakeTelling(StrongBox<int> told)
    {
        NativeHeap heap = new(new NativeHeapOptions
        {
            Debugging = HeapDebugging.Default with { Leaked = _ => told.Value++, Damaged = _ => told.Value++ },
        });
        byte* block = (byte*)heap.Allocate(100);
        block[100] = 1;
        return heap;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MakeDropped(AddressWindow window, bool debugs, int sample)
    {
        NativeHeap? heap = null;
        heap = new NativeHeap(
            new NativeHeapOptions
            {
                Debugging = !debugs ? HeapDebugging.None : HeapDebugging.Default with
                {
                    Sample = sample,
                    Leaked = _ => heap!.Validate(),
                    Damaged = _ => heap!.Validate(),
                },
                CallbackRefused = _ => heap!.Validate(),
            },
            window);
        _ = heap.Allocate(100);
    }

    private static void Use(object kept)
    {
        switch (kept)
        {
            case NativeMemoryPool<byte> pool:
                using (IMemoryOwner<byte> rented = pool.Rent(1_000))
                {
                    rented.Memory.Span.Fill(1);
                }

                break;
            case NativeBufferWriter writer:
                writer.Write("more"u8);
                Assert.True(writer.WrittenSequence.ToArray().AsSpan().SequenceEqual("text, and more"u8));
                break;
            case IMemoryOwner<byte> owner:
                Assert.Equal(100, owner.Memory.Span.Count((byte)7));
                break;
            case Memory<byte> memory:
                Assert.Equal(100, memory.Span.Count((byte)7));
                break;
            default:
                var c = (MemoryFunctions)kept;
                void* block = c.Malloc(c.Context, 100);
                Assert.True(block is not null);
                c.Free(c.Context, block);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (object Kept, WeakReference Heap) Make(Keeper keeper)
    {
        NativeHeap heap = new();
        IMemoryOwner<byte> owner = heap.Rent<byte>(100);
        owner.Memory.Span.Fill(7);
        NativeBufferWriter writer = new(heap);
        writer.Write("text, and "u8);
        object kept = keeper switch
        {
            Keeper.Pool => new NativeMemoryPool<byte>(heap),
            Keeper.Writer => writer,
            Keeper.Owner => owner,
            Keeper.MemoryAlone => owner.Memory,
            _ => heap.Functions,
        };
        return (kept, new WeakReference(heap));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference MakePointer()
    {
        NativeHeap heap = new();
        _ = heap.Allocate(100);
        return new WeakReference(heap);
    }

    private static void Collect()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }
}
