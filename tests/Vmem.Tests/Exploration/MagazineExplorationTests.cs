#if DEBUG
using Vmem.Checks;
using Vmem.Testing.Exploration;
using Xunit;

namespace Vmem.Tests.Exploration;

/// <summary>The claim protocol of the magazines, in thousands of chosen orders.</summary>
public sealed class MagazineExplorationTests : IDisposable
{
    private readonly Explorer _explorer = new(ExplorationHooks.Attach);

    public static TheoryData<MemoryOrder> Orders => [MemoryOrder.Sequential, MemoryOrder.X86, MemoryOrder.Arm];

    [Theory]
    [MemberData(nameof(Orders))]
    public void An_owner_and_a_claimant(MemoryOrder order) => Prove(OwnerAndClaimant, order);

    [Theory]
    [MemberData(nameof(Orders))]
    public void An_owner_whose_magazines_are_swapped_and_looked_at(MemoryOrder order) => Prove(SwapAndLook, order);

    [Theory]
    [MemberData(nameof(Orders))]
    public void Two_owners_that_exchange_magazines_and_a_claimant(MemoryOrder order) => Prove(TwoOwners, order);

    [Theory]
    [InlineData(FaultKind.Skip, "Claim", "barrier", MemoryOrder.X86)]
    [InlineData(FaultKind.Skip, "Await", "load", MemoryOrder.Sequential)]
    [InlineData(FaultKind.Delay, "Begin", "store", MemoryOrder.Sequential)]
    [InlineData(FaultKind.Delay, "TryPop", "store", MemoryOrder.Sequential)]
    [InlineData(FaultKind.Relax, "End", "store", MemoryOrder.Arm)]
    [InlineData(FaultKind.Tear, "TrySwap", "swap", MemoryOrder.Sequential)]
    [InlineData(FaultKind.Tear, "BeginClaim", "exchange", MemoryOrder.Sequential)]
    public void A_planted_fault_is_found(FaultKind kind, string member, string step, MemoryOrder order)
    {
        PlantedFault fault = new(kind, member, step);
        Faults.Find(_explorer, fault, order, SwapAndLook, OwnerAndClaimant);
    }

    /// <summary>Some faults do no harm where stores leave in order: the simulated orders differ.</summary>
    [Theory]
    [InlineData(FaultKind.Skip, "Claim", "barrier", MemoryOrder.Sequential)]
    [InlineData(FaultKind.Relax, "End", "store", MemoryOrder.X86)]
    public void A_stronger_order_forgives(FaultKind kind, string member, string step, MemoryOrder order)
    {
        ExplorerOptions options = new() { Order = order, Faults = [new PlantedFault(kind, member, step)] };
        _explorer.Prove(OwnerAndClaimant, options);
        _explorer.Prove(SwapAndLook, options);
    }

    public void Dispose() => _explorer.Dispose();

    private void Prove(Func<Scenario> scenario, MemoryOrder order)
    {
        ExplorerReport report = _explorer.Prove(scenario, new ExplorerOptions { Order = order });
        Assert.True(report.Surprises >= 1, $"Too few: {report}");
        TestContext.Current.TestOutputHelper!.WriteLine($"{order}: {report}");
    }

    private static Scenario OwnerAndClaimant()
    {
        var magazines = new MagazineScenario(items: 4);
        return new Scenario
        {
            Before = [magazines.Fill],
            Threads =
            [
                () =>
                {
                    magazines.Take(0);
                    magazines.Take(0);
                    magazines.ReturnOne(0);
                },
                magazines.Drain,
            ],
            After = magazines.Check,
        };
    }

    private static Scenario SwapAndLook()
    {
        var magazines = new MagazineScenario(items: 4);
        return new Scenario
        {
            Before = [magazines.Fill],
            Threads =
            [
                () =>
                {
                    magazines.Take(0);
                    magazines.Take(0);
                    magazines.Take(0);
                },
                () =>
                {
                    magazines.Look();
                    magazines.Drain();
                },
            ],
            After = magazines.Check,
        };
    }

    private static Scenario TwoOwners()
    {
        var magazines = new MagazineScenario(items: 7);
        return new Scenario
        {
            Before = [magazines.Fill],
            Threads =
            [
                () => magazines.Take(0),
                () =>
                {
                    magazines.Take(1);
                    magazines.ReturnOne(1);
                },
                magazines.Drain,
            ],
            After = magazines.Check,
        };
    }
}
#endif
