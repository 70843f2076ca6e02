using System.Buffers;
using Vmem.Memory.Tests.Heap;
using Xunit;

namespace Vmem.Memory.Tests.Blocks;

/// <summary>Wrong frees of every kind among right ones: each is found at once, and nobody's data is touched.</summary>
/// <remarks>VMEM_STORM=10000000 for ten million operations, of which one million are wrong frees.</remarks>
public unsafe class WrongFreeMixTests
{
    private const int Live = 2_000;

    private static readonly int s_steps = int.TryParse(Environment.GetEnvironmentVariable("VMEM_STORM"), out int steps) ? steps : 1_000_000;

    [Fact]
    [Trait("Once", "Release")]
    public void Of_a_heap()
    {
        using NativeHeap heap = new();
        using NativeHeap other = new();
        Run(
            size => (nuint)heap.Allocate(size),
            block => heap.Free((void*)block),
            (nuint)other.Allocate(64),
            (block, size) => Assert.Throws<InvalidFreeException>(() => heap.Free((void*)block, size)),
            block => heap.GetSize((void*)block),
            mostSize: 40_000);
        heap.Validate();
        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        _ = heap.Trim();
        Assert.Equal(0u, heap.GetStatistics().Held);
    }

    [Fact]
    [Trait("Once", "Release")]
    public void Of_a_client()
    {
        using MemoryContext context = new(64 << 20);
        using MemoryClient client = context.CreateClient("client");
        using MemoryClient other = context.CreateClient("other");
        Run(
            size => (nuint)client.Allocate(size),
            block => client.Free((void*)block),
            (nuint)other.Allocate(64),
            (_, _) => { },                        // a client is told no sizes
            block => client.GetSize((void*)block),
            mostSize: 4_000);
        context.Validate();
        Assert.Equal(0u, client.GetStatistics().InUse);
    }

    /// <summary>Of a pool's heap, beside rentals; and every second disposal is counted, and ends nobody's rental.</summary>
    [Fact]
    [Trait("Once", "Release")]
    public void Of_a_pool()
    {
        using NativeHeap heap = new();
        using NativeMemoryPool<byte> pool = new(heap);
        Random random = new(7);
        var owners = new IMemoryOwner<byte>[Live];
        for (int i = 0; i < Live; i++)
        {
            owners[i] = Rent(pool, random, i);
        }

        int twice = 0;
        for (int step = 0; step < s_steps / 10; step++)
        {
            int slot = random.Next(Live);
            IMemoryOwner<byte> owner = owners[slot];
            Assert.Equal(-1, owner.Memory.Span.IndexOfAnyExcept((byte)slot));
            nuint block;
            using (MemoryHandle pin = owner.Memory.Pin())
            {
                block = (nuint)pin.Pointer;
            }

            Assert.Throws<InvalidFreeException>(() => heap.Free((void*)(block + 1 + (nuint)random.Next(15))));
            owner.Dispose();
            Assert.Throws<InvalidFreeException>(() => heap.Free((void*)block));
            owners[slot] = Rent(pool, random, slot);
            owner.Dispose();
            twice++;
        }

        Assert.Equal(twice, pool.GetStatistics().StrayDisposals);
        for (int i = 0; i < Live; i++)
        {
            Assert.Equal(-1, owners[i].Memory.Span.IndexOfAnyExcept((byte)i));
            owners[i].Dispose();
        }

        Assert.Equal(0, heap.GetStatistics().LiveBlocks);
        heap.Validate();
    }

    private static IMemoryOwner<byte> Rent(NativeMemoryPool<byte> pool, Random random, int number)
    {
        IMemoryOwner<byte> owner = pool.Rent(random.Next(16, 600));
        owner.Memory.Span.Fill((byte)number);
        return owner;
    }

    private static void Run(
        Func<nuint, nuint> allocate,
        Action<nuint> free,
        nuint foreign,
        Action<nuint, nuint> freeWithWrongSize,
        Func<nuint, nuint> sizeOf,
        int mostSize)
    {
        Random random = new(11);
        var blocks = new (nuint Start, nuint Size)[Live];
        HashSet<nuint> live = [];
        List<nuint> stale = [];
        int local = 0;
        int wrong = 0;
        for (int step = 0; step < s_steps; step++)
        {
            int slot = random.Next(Live);
            ref (nuint Start, nuint Size) block = ref blocks[slot];
            if (step % 10 != 9)
            {
                if (block.Start != 0)
                {
                    Assert.True(Pattern.Holds((void*)block.Start, block.Size, slot));
                    free(block.Start);
                    _ = live.Remove(block.Start);
                    stale.Add(block.Start);
                    if (stale.Count > Live)
                    {
                        stale.RemoveRange(0, Live / 2);
                    }
                }

                nuint size = (nuint)random.Next(1, random.Next(100) == 0 ? mostSize : 600);
                block = (allocate(size), size);
                Assert.True(live.Add(block.Start));
                Pattern.Write((void*)block.Start, size, slot);
                continue;
            }

            nuint address = random.Next(7) switch
            {
                0 when stale.Count > 0 => stale[random.Next(stale.Count)],
                1 when stale.Count > 0 => stale[^1],
                2 => block.Start + 1 + (nuint)random.Next(40),
                3 => foreign,
                4 => (nuint)(&local),
                5 => (nuint)random.NextInt64(),
                _ => 0,
            };
            if (address == 0)
            {
                if (block.Start != 0)
                {
                    freeWithWrongSize(block.Start, sizeOf(block.Start) + (nuint)random.Next(1, 1_000));
                    wrong++;
                }
            }
            else if (!live.Contains(address))
            {
                Assert.Throws<InvalidFreeException>(() => free(address));
                wrong++;
            }
        }

        Assert.InRange(wrong, s_steps / 20, s_steps / 10);
        for (int slot = 0; slot < Live; slot++)
        {
            if (blocks[slot].Start != 0)
            {
                Assert.True(Pattern.Holds((void*)blocks[slot].Start, blocks[slot].Size, slot));
                free(blocks[slot].Start);
            }
        }
    }
}
