using System.Buffers;
using System.Runtime.CompilerServices;
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
