#if DEBUG
using Vmem.Checks;
using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Window;
using Vmem.Testing.Exploration;
using Xunit;

namespace Vmem.Memory.Tests.Exploration;

/// <summary>The heap's magazines, in thousands of chosen orders.</summary>
public sealed class HeapExplorationTests : IDisposable
{
    private readonly Explorer _explorer = new(ExplorationHooks.Attach);

    // What threads do twice they must do alike, whatever other tests leave in the window of the process.
    private readonly OwnWindow _own = new();

    public static TheoryData<MemoryOrder> Orders => [MemoryOrder.Sequential, MemoryOrder.X86, MemoryOrder.Arm];

    [Theory]
    [MemberData(nameof(Orders))]
    public void An_owner_and_a_claimant_of_one_magazine(MemoryOrder order) => Prove(OneMagazine, order, surprises: 2);

    /// <summary>With the table of magazines, depots, slabs and their locks. A claim stops the magazines of all classes.</summary>
    [Theory]
    [MemberData(nameof(Orders))]
    public void Small_blocks_are_given_back_beside_who_uses_them(MemoryOrder order) => Prove(AllBlocks, order, surprises: 0);

    [Theory]
    [InlineData(FaultKind.Skip, "Claim", "barrier", MemoryOrder.X86)]
    [InlineData(FaultKind.Relax, "EndClaim", "store", MemoryOrder.Arm)]
    [InlineData(FaultKind.Relax, "TryPop", "load", MemoryOrder.Arm)]
    [InlineData(FaultKind.Delay, "TryPop", "store", MemoryOrder.Sequential)]
    public void A_planted_fault_is_found(FaultKind kind, string member, string step, MemoryOrder order) =>
        Faults.Find(_explorer, new PlantedFault(kind, member, step), order, OneMagazine);

    public void Dispose()
    {
        _explorer.Dispose();
        _own.Dispose();
    }

    private void Prove(Func<Scenario> scenario, MemoryOrder order, int surprises)
    {
        ExplorerReport report = _explorer.Prove(scenario,
            new ExplorerOptions { Order = order, MostSystematic = surprises > 0 ? 2_500 : 600 });
        Assert.True(report.Surprises >= surprises, $"Too few: {report}");
        TestContext.Current.TestOutputHelper!.WriteLine($"{order}: {report}");
    }

    private static Scenario OneMagazine()
    {
        var magazine = new ClaimedMagazine();
        return new Scenario
        {
            Before = [magazine.Fill],
            Threads =
            [
                () =>
                {
                    magazine.Pop();
                    magazine.Push();
                    magazine.Pop();
                    magazine.Pop();
                },
                () => magazine.Claim(drain: true),
            ],
            After = magazine.Check,
        };
    }

    private Scenario AllBlocks()
    {
        var space = new HeapSpace(_own.Window, "explored", 1 << 24, huge: false);
        var blocks = new SmallBlocks(space, hasMagazines: true);
        int sizeClass = SizeClasses.Of(SizeClasses.Largest);
        List<nuint> held = [];
        return new Scenario
        {
            Before = [() => held.Add(blocks.Take(sizeClass))],
            Threads =
            [
                () =>
                {
                    held.Add(blocks.Take(sizeClass));
                    Assert.True(blocks.TryGive(held[0], sizeClass));
                    held[0] = blocks.Take(sizeClass);
                },
                () => blocks.GiveBack(idleOnly: false),
            ],
            After = () =>
            {
                Assert.Equal(2, held.Distinct().Count());
                Assert.DoesNotContain((nuint)0, held);
                blocks.Validate();
                NativeHeapStatistics figures = default;
                blocks.Count(ref figures);
                Assert.Equal(2, figures.LiveBlocks);
                held.ForEach(block => Assert.True(blocks.TryGive(block, sizeClass)));
                blocks.GiveBack(idleOnly: false);
                Assert.Null(blocks.TakeWrongFree());
                blocks.Dispose();
                space.Dispose();
            },
        };
    }

    /// <summary>A magazine of an owner, and a claimant that does with it what <see cref="MagazineTable"/> does with all.</summary>
    private sealed class ClaimedMagazine
    {
        private const int Blocks = 3;

        private readonly Gate _gate = new();
        private readonly List<nuint> _held = [];
        private readonly List<nuint> _drained = [];
        private HeapMagazine _magazine;

        public void Fill()
        {
            Assert.True(_magazine.TryOpen(Blocks));
            for (nuint block = 1; block <= Blocks; block++)
            {
                Assert.True(_magazine.TryPush(block));
            }
        }

        public void Pop()
        {
            if (_magazine.TryPop(out nuint block))
            {
                _held.Add(block);
            }
        }

        public void Push()
        {
            if (_held is [.., nuint block] && _magazine.TryPush(block))
            {
                _held.RemoveAt(_held.Count - 1);
            }
        }

        public void Claim(bool drain)
        {
            using (_gate.EnterScope())
            {
                _magazine.BeginClaim();
                Checks.Exploration.ProcessWideBarrier();
                _magazine.AwaitOwner();
                if (drain)
                {
                    _drained.AddRange(_magazine.Contents);
                    _magazine.Clear();
                }

                _magazine.EndClaim();
            }
        }

        public void Check()
        {
            List<nuint> found = [.. _held, .. _drained, .. _magazine.Contents];
            found.Sort();
            Assert.Equal([1, 2, 3], found);
        }
    }
}
#endif
