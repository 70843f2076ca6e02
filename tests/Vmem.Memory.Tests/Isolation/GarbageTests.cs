using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>After warm-up no call on blocks makes managed garbage, whatever the features. But for Audit, which keeps the stack of each
/// call.</summary>
public unsafe class GarbageTests
{
    private const int BlockSize = 4_096;
    private const int Rounds = 300;

    public static TheoryData<MemoryContextFeatures> Features =>
        new(FeatureCombinations.Accepted.Where(features => !features.HasFlag(MemoryContextFeatures.Audit)));

    [Theory]
    [MemberData(nameof(Features))]
    public void No_call_makes_garbage(MemoryContextFeatures features)
    {
        OptimizedCode.Require(typeof(MemoryContext).Assembly);
        using MemoryContext context = new(64 * BlockSize, new MemoryContextOptions { BlockSize = BlockSize, Features = features });
        using MemoryClient client = context.CreateClient("client");
        using MemoryClient idle = context.CreateClient("idle");
        nint[] blocks = new nint[200];
        AssertClean(() =>
        {
            client.Free(client.Allocate(100));
            client.Free(client.AllocateZeroed(100));
            client.Free(client.AllocateAligned(100, BlockSize));
            client.Free(client.Allocate(3 * BlockSize));
            void* block = client.Reallocate(client.Allocate(10), 1_000);
            client.TryResize(block, 100);
            client.TryResize(block, 2_000);
            _ = client.GetSize(block);
            _ = client.Owns(block);
            _ = context.TryGetClient(block, out _);
            client.Free(client.Reallocate(block, 3 * BlockSize));
            client.Free(client.AllocateSpan<int>(10));
            for (int i = 0; i < blocks.Length; i++)
            {
                blocks[i] = client.TryAllocate((nuint)(i * 7), out void* taken) ? (nint)taken : 0;
            }

            foreach (nint taken in blocks)
            {
                client.Free((void*)taken);
            }

            idle.Free(idle.Allocate(16));
            client.TryAllocate(100 * BlockSize, out _);
            client.TryAllocate(63 * BlockSize, out void* all);
            client.Free(all);
            _ = client.GetStatistics();
            _ = context.GetStatistics();
            client.Trim();
        });
    }

    /// <summary>An owner is one object; the block behind it is none.</summary>
    [Fact]
    public void An_owner_costs_one_small_object()
    {
        using MemoryContext context = new(64 * BlockSize);
        using MemoryClient client = context.CreateClient("client");
        long bytes = Measure(() => client.Rent<byte>(1_000).Dispose());
        Assert.InRange(bytes, 1, Rounds * 64);
    }

    private static void AssertClean(Action calls)
    {
        long bytes = Measure(calls);
        Assert.True(bytes == 0, $"{bytes} bytes were allocated in {Rounds} rounds.");
    }

    private static long Measure(Action calls) => Garbage.Of(Rounds, calls);
}
