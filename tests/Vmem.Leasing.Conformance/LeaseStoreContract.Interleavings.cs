using Vmem.Leasing.Conformance.Scripts;

namespace Vmem.Leasing.Conformance;

// Calls of several clients, in every order.
public abstract partial class LeaseStoreContract
{
    private const int Seed = 20_261_129;

    /// <summary>The names of all scripts.</summary>
    public static TheoryData<string> ScriptNames { get; } = [.. InterleavingScripts.All.Select(static script => script.Name)];

    /// <summary>How many orders of each script are run: all, if there are no more. As many as take some seconds.</summary>
    protected virtual int OrdersAScript => 50;

    /// <summary>A store for the next order: the same again, unless a new one costs nothing.</summary>
    protected virtual ValueTask<LeaseStore> CreateForOrderAsync() => new(Store);

    /// <summary>After each call: the answer is the model's, the invariants hold, fences grow, nobody uses what another uses, and the audit
    /// tells what happened.</summary>
    [Theory]
    [MemberData(nameof(ScriptNames))]
    public async Task In_every_order_of_their_calls_clients_get_what_the_rules_say(string name)
    {
        var script = InterleavingScripts.Named(name);
        int count = 0;
        foreach (long number in Interleavings.Choose(script.Lengths, OrdersAScript, Seed))
        {
            _store = await CreateForOrderAsync();
            IReadOnlyList<string> faults = await InterleavingRun.FindFaultsAsync(new ContractBench(this), script, number, Token);
            Assert.True(faults.Count == 0, string.Join(Environment.NewLine, faults));
            count++;
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{count} of {Interleavings.Count(script.Lengths)} orders");
        _arena = await Store.EnsureArenaAsync("ids", Definition(64), Token);
    }

    private sealed class ContractBench(LeaseStoreContract contract) : StoreBench
    {
        public override LeaseStore Store => contract.Store;

        public override ValueTask ElapseAsync(TimeSpan time) => contract.ElapseAsync(time);

        public override ValueTask RememberAsync() => contract.RememberAsync();

        public override ValueTask FailOverAsync() => contract.FailOverAsync();
    }
}
