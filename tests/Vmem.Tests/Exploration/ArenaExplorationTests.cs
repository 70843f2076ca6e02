#if DEBUG
using Vmem.Checks;
using Vmem.Testing.Exploration;
using Xunit;

namespace Vmem.Tests.Exploration;

/// <summary>Whole arenas in chosen orders: nobody waits for ever, and no request fails that could be met.</summary>
public sealed class ArenaExplorationTests : IDisposable
{
    private readonly Explorer _explorer = new(ExplorationHooks.Attach);

    [Theory]
    [InlineData(MemoryOrder.X86, 0u)]
    [InlineData(MemoryOrder.Arm, 0u)]
    [InlineData(MemoryOrder.X86, 1u)]
    [InlineData(MemoryOrder.Arm, 1u)]
    public void Who_waits_gets_what_is_freed(MemoryOrder order, uint cached) => Prove(() => WaiterAndOwner(cached), order);

    [Theory]
    [InlineData(MemoryOrder.X86, 0u)]
    [InlineData(MemoryOrder.Arm, 0u)]
    public void A_waiter_that_leaves_wakes_who_waits_behind_it(MemoryOrder order, uint cached) =>
        Prove(() => WaiterThatLeaves(cached), order);

    /// <summary>What another thread's magazine holds is found before a request fails.</summary>
    [Theory]
    [InlineData(MemoryOrder.X86)]
    [InlineData(MemoryOrder.Arm)]
    public void A_request_fails_only_if_nothing_fits(MemoryOrder order) => Prove(FailingRequest, order);

    /// <summary>A cache comes to hold something while others are drained.</summary>
    [Theory]
    [InlineData(MemoryOrder.X86)]
    [InlineData(MemoryOrder.Arm)]
    public void Only_what_stands_still_is_drained(MemoryOrder order) => Prove(OtherCache, order);

    /// <summary>A thread takes and puts back what it was lent; another frees what lies beside it.</summary>
    [Theory]
    [InlineData(MemoryOrder.X86)]
    [InlineData(MemoryOrder.Arm)]
    public void What_is_lent_is_no_loss_for_who_waits(MemoryOrder order) => Prove(LentRange, order);

    /// <summary>One arena keeps an import that becomes empty, while a request begins to wait in another above the same source.</summary>
    [Theory]
    [InlineData(MemoryOrder.X86)]
    [InlineData(MemoryOrder.Arm)]
    public void Nobody_waits_for_what_a_sibling_keeps(MemoryOrder order) => Prove(Siblings, order);

    [Theory]
    [InlineData("serve who has come first")]
    [InlineData("serve who stood behind")]
    [InlineData("take back what is lent")]
    public void A_planted_fault_is_found(string duty) => Faults.Find(_explorer, new PlantedFault(FaultKind.Forget, duty, ""),
        MemoryOrder.Sequential, () => WaiterAndOwner(0), () => WaiterThatLeaves(0), LentRange);

    public void Dispose() => _explorer.Dispose();

    private void Prove(Func<Scenario> scenario, MemoryOrder order)
    {
        ExplorerReport report = _explorer.Prove(scenario, new ExplorerOptions { Order = order, MostSystematic = 1_500, Random = 300 });
        Assert.True(report.Surprises >= 0, $"Too few: {report}");
        TestContext.Current.TestOutputHelper!.WriteLine($"{order}: {report}");
    }

    private static Arena<uint> Create(uint units, uint cached)
    {
        Arena<uint> arena = new("explored", 1, new ArenaOptions<uint> { QuantumCacheMax = cached });
        arena.AddSpan(0, units);
        return arena;
    }

    private static Scenario WaiterAndOwner(uint cached)
    {
        Arena<uint> arena = Create(1, cached);
        return new Scenario
        {
            Before = [() => Assert.True(arena.TryAllocate(1, out _))],
            Threads =
            [
                () => arena.Free(0, 1),
                () =>
                {
                    Assert.True(arena.TryAllocate(1, Timeout.InfiniteTimeSpan, out uint start));
                    arena.Free(start, 1);
                },
            ],
            After = () => End(arena),
        };
    }

    private static Scenario WaiterThatLeaves(uint cached)
    {
        Arena<uint> arena = Create(2, cached);
        CancellationTokenSource cancel = new();
        return new Scenario
        {
            Before = [() => Assert.True(arena.TryAllocate(1, out _))],
            Threads =
            [
                () =>
                {
                    try
                    {
                        Assert.True(arena.TryAllocate(2, Timeout.InfiniteTimeSpan, out _, cancel.Token));
                    }
                    catch (OperationCanceledException)
                    {
                    }
                },
                () =>
                {
                    Assert.True(arena.TryAllocate(1, Timeout.InfiniteTimeSpan, out uint start));
                    arena.Free(start, 1);
                },
                cancel.Cancel,
            ],
            After = () =>
            {
                arena.Free(0, 1);
                End(arena);
                cancel.Dispose();
            },
        };
    }

    private static Scenario FailingRequest()
    {
        Arena<uint> arena = Create(4, cached: 1);
        return new Scenario
        {
            Before =
            [
                () =>
                {
                    for (int i = 0; i < 4; i++)
                    {
                        Assert.True(arena.TryAllocate(1, out _));
                    }

                    arena.Free(0, 1);
                    arena.Free(1, 1);
                },
            ],
            Threads =
            [
                () =>
                {
                    arena.Free(2, 1);
                    Assert.True(arena.TryAllocate(1, out uint start));
                    arena.Free(start, 1);
                },
                () =>
                {
                    Assert.True(arena.TryAllocate(1, out uint start));
                    arena.Free(start, 1);
                },
            ],
            After = () =>
            {
                arena.Free(3, 1);
                End(arena);
            },
        };
    }

    private static Scenario LentRange()
    {
        Arena<uint> arena = Create(4, cached: 1);
        Task<uint> standing = Task.FromResult(0u);
        return new Scenario
        {
            Before =
            [
                () =>
                {
                    for (uint i = 0; i < 4; i++)
                    {
                        Assert.Equal(i, arena.Allocate(1));
                    }

                    standing = arena.AllocateAsync(2).AsTask();
                    arena.Free(1, 1);
                },
            ],
            Threads =
            [
                () =>
                {
                    if (arena.TryAllocate(1, out uint start))
                    {
                        arena.Free(start, 1);
                    }
                },
                () => arena.Free(2, 1),
            ],
            After = () =>
            {
                Assert.True(standing.IsCompletedSuccessfully, "Two lie side by side, and who waits for them is not served.");
                arena.Free(standing.Result, 2);
                arena.Free(0, 1);
                arena.Free(3, 1);
                End(arena);
            },
        };
    }

    private static Scenario OtherCache()
    {
        Arena<uint> arena = Create(8, cached: 2);
        return new Scenario
        {
            Before =
            [
                () =>
                {
                    uint[] sizes = [1, 2, 1, 3, 1];
                    Assert.Equal([0u, 1, 3, 4, 7], sizes.Select(arena.Allocate));
                    arena.Free(0, 1);
                    arena.Free(3, 1);
                    arena.Free(7, 1);
                },
            ],
            Threads =
            [
                () =>
                {
                    if (arena.TryAllocate(3, out uint start))
                    {
                        arena.Free(start, 3);
                    }
                },
                () => arena.Free(1, 2),
            ],
            After = () =>
            {
                arena.Validate();
                arena.Free(4, 3);
                End(arena);
            },
        };
    }

    private static Scenario Siblings()
    {
        Arena<uint> pool = Create(1, cached: 0);
        Arena<uint> one = new("one", 1, new ArenaOptions<uint> { Source = pool });
        Arena<uint> other = new("other", 1, new ArenaOptions<uint> { Source = pool });
        return new Scenario
        {
            Before = [() => Assert.True(one.TryAllocate(1, out _))],
            Threads =
            [
                () => one.Free(0, 1),
                () =>
                {
                    Assert.True(other.TryAllocate(1, Timeout.InfiniteTimeSpan, out uint start));
                    other.Free(start, 1);
                },
            ],
            After = () =>
            {
                End(one);
                End(other);
                End(pool);
            },
        };
    }

    private static void End(Arena<uint> arena)
    {
        arena.Validate();
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Dispose();
    }
}
#endif
