#if DEBUG
using Vmem.Checks;
using Vmem.Testing.Exploration;
using Xunit;

namespace Vmem.Tests.Exploration;

/// <summary>The arena's lock and the gate, in chosen orders: one thread at a time is inside, and sees what the one before did.</summary>
public sealed class LockExplorationTests : IDisposable
{
    private readonly Explorer _explorer = new(ExplorationHooks.Attach);

    [Theory]
    [InlineData(MemoryOrder.Sequential)]
    [InlineData(MemoryOrder.X86)]
    [InlineData(MemoryOrder.Arm)]
    public void One_thread_at_a_time_is_inside(MemoryOrder order)
    {
        ExplorerReport arena = _explorer.Prove(ArenaLockScenario, new ExplorerOptions { Order = order });
        ExplorerReport gate = _explorer.Prove(GateScenario, new ExplorerOptions { Order = order });
        Assert.True(Math.Min(arena.Surprises, gate.Surprises) >= 1, $"Too few: {arena}; {gate}");
        TestContext.Current.TestOutputHelper!.WriteLine($"{order}: arena's lock: {arena}; gate: {gate}");
    }

    [Theory]
    [InlineData(FaultKind.Tear, "Enter", "swap", MemoryOrder.Sequential)]
    [InlineData(FaultKind.Skip, "Exit", "store", MemoryOrder.Sequential)]
    [InlineData(FaultKind.Relax, "Exit", "store", MemoryOrder.Arm)]
    public void A_planted_fault_is_found(FaultKind kind, string member, string step, MemoryOrder order) =>
        Faults.Find(_explorer, new PlantedFault(kind, member, step), order, ArenaLockScenario);

    /// <summary>The explorer knows that threads wait for each other.</summary>
    [Fact]
    public void Gates_that_are_entered_in_two_orders_are_found()
    {
        ExplorerReport report = _explorer.Explore(
            () =>
            {
                Gate first = new();
                Gate second = new();
                return new Scenario { Threads = [() => EnterBoth(first, second), () => EnterBoth(second, first)] };
            },
            new ExplorerOptions());
        Assert.StartsWith("Nobody can go on", report.Failure, StringComparison.Ordinal);
    }

    public void Dispose() => _explorer.Dispose();

    private static void EnterBoth(Gate outer, Gate inner)
    {
        using (outer.EnterScope())
        {
            using (inner.EnterScope())
            {
            }
        }
    }

    private static Scenario ArenaLockScenario()
    {
        var counter = new Counter();
        return new Scenario
        {
            Threads = [counter.AddUnderLock, counter.AddUnderLock, counter.AddUnderLock],
            After = () => counter.Check(3)
        };
    }

    private static Scenario GateScenario()
    {
        var counter = new Counter();
        return new Scenario
        {
            Threads = [counter.AddUnderGate, counter.AddUnderGate, counter.AddUnderGate],
            After = () => counter.Check(3)
        };
    }

    private sealed class Counter
    {
        private readonly Gate _gate = new();
        private ArenaLock _lock;
        private Shared<int> _count;

        public void AddUnderLock()
        {
            using (_lock.EnterScope())
            {
                _count.Write(_count.Read() + 1);
            }
        }

        public void AddUnderGate()
        {
            using (_gate.EnterScope())
            {
                _count.Write(_count.Read() + 1);
            }
        }

        public void Check(int expected) => Assert.Equal(expected, _count.Read());
    }
}
#endif
