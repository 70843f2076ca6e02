#if DEBUG
using System.Buffers;
using Vmem.Checks;
using Vmem.Testing.Exploration;
using Xunit;

namespace Vmem.Memory.Tests.Exploration;

/// <summary>A client that goes back to a mark while another thread moves or frees a block of it, in chosen orders.</summary>
public sealed unsafe class ClientExplorationTests : IDisposable
{
    private const int BlockSize = 4_096;

    private readonly Explorer _explorer = new(ExplorationHooks.Attach);

    public static TheoryData<MemoryOrder> Orders => [MemoryOrder.Sequential, MemoryOrder.X86, MemoryOrder.Arm];

    [Theory]
    [MemberData(nameof(Orders))]
    public void A_block_that_moves_is_not_written_over_another_clients(MemoryOrder order) => Prove(MovingBlock, order);

    [Theory]
    [MemberData(nameof(Orders))]
    public void An_owner_frees_no_later_block(MemoryOrder order) => Prove(LateOwner, order);

    public void Dispose() => _explorer.Dispose();

    private void Prove(Func<Scenario> scenario, MemoryOrder order)
    {
        ExplorerReport report = _explorer.Prove(scenario, new ExplorerOptions { Order = order, MostSystematic = 400, Random = 100 });
        TestContext.Current.TestOutputHelper!.WriteLine($"{order}: {report}");
    }

    /// <summary>Where the block moves to there is no other room: another client gets it once the first has gone back.</summary>
    private static Scenario MovingBlock()
    {
        MemoryContext context = Create(blocks: 4);
        MemoryClient client = context.CreateClient("client");
        MemoryClient other = context.CreateClient("other");
        byte* old = (byte*)client.Allocate(BlockSize);
        client.Allocate(BlockSize);
        MemoryMark mark = client.Mark();
        new Span<byte>(old, BlockSize).Fill(1);
        void* resized = null;
        void* others = null;
        return new Scenario
        {
            Threads =
            [
                () => client.TryReallocate(old, 2 * BlockSize, out resized),
                () =>
                {
                    client.Release(mark);
                    if (other.TryAllocate(2 * BlockSize, out others))
                    {
                        new Span<byte>(others, 2 * BlockSize).Fill(2);
                    }
                },
            ],
            After = () =>
            {
                Assert.True(others is null || new Span<byte>(others, 2 * BlockSize).IndexOfAnyExcept((byte)2) < 0, "Another's block was written.");
                Assert.True(!client.Owns(resized) || new Span<byte>(resized, BlockSize).IndexOfAnyExcept((byte)1) < 0, "The contents are lost.");
                context.Validate();
                context.Dispose();
            },
        };
    }

    private static Scenario LateOwner()
    {
        MemoryContext context = Create(blocks: 1);
        MemoryClient client = context.CreateClient("client");
        MemoryMark mark = client.Mark();
        IMemoryOwner<byte> owner = client.Rent<byte>(BlockSize);
        void* later = null;
        return new Scenario
        {
            Threads =
            [
                owner.Dispose,
                () =>
                {
                    client.Release(mark);
                    later = client.Allocate(BlockSize);
                },
            ],
            After = () =>
            {
                Assert.True(client.Owns(later), "The owner has freed a block that is not its own.");
                context.Validate();
                context.Dispose();
            },
        };
    }

    private static MemoryContext Create(int blocks) => new((nuint)(blocks * BlockSize), new MemoryContextOptions
    {
        BlockSize = BlockSize,
        Features = MemoryContextFeatures.Synchronized,
    });
}
#endif
