using System.Buffers;
using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>After warm-up, the faces of the heap make no managed garbage.</summary>
public class PoolGarbageTests
{
    private const int Rounds = 300;

    [Fact]
    public void Renting_and_disposing_recycled_owners_make_no_garbage()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap, new NativeMemoryPoolOptions { RecycleOwners = true });
        IMemoryOwner<byte>[] owners = new IMemoryOwner<byte>[100];
        Assert.Equal(0, Measure(() =>
        {
            for (int i = 0; i < owners.Length; i++)
            {
                owners[i] = pool.Rent(i * 100);
                owners[i].Memory.Span[0] = 1;
                owners[i].Memory.Pin().Dispose();
            }

            foreach (IMemoryOwner<byte> owner in owners)
            {
                owner.Dispose();
            }

            pool.Rent().Dispose();
            _ = pool.GetStatistics();
        }));
    }

    [Fact]
    public void A_fresh_owner_is_one_small_object()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap, new NativeMemoryPoolOptions());
        Assert.InRange(Measure(() => pool.Rent(100).Dispose()), 1, Rounds * 64);
        Assert.InRange(Measure(() => heap.Rent<byte>(100).Dispose()), 1, Rounds * 64);
    }

    [Fact]
    public void Spans_make_no_garbage()
    {
        using NativeHeap heap = new();
        Assert.Equal(0, Measure(() =>
        {
            heap.Free(heap.AllocateSpan<Guid>(10));
            heap.Free(heap.AllocateZeroedSpan<long>(1_000));
        }));
    }

    [Fact]
    public void A_writer_that_is_reset_makes_no_garbage()
    {
        using NativeHeap heap = new();
        using NativeBufferWriter writer = new(heap, 64);
        byte[] copy = new byte[20_000];
        Assert.Equal(0, Measure(() =>
        {
            for (int i = 0; i < 100; i++)
            {
                writer.GetSpan(i)[..i].Fill((byte)i);
                writer.Advance(i);
                writer.GetMemory(i).Span[..i].Fill((byte)i);
                writer.Advance(i);
            }

            writer.CopyTo(copy);
            writer.Reset();
        }));
    }

    private static long Measure(Action calls) => Garbage.Of(Rounds, calls);
}
