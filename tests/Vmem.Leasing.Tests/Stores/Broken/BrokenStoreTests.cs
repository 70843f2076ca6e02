using System.Text.RegularExpressions;
using Vmem.Leasing.Conformance.Scripts;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Stores.Broken;

/// <summary>The suite can fail: a store with one rule off is found, by the check that is there for it.</summary>
public sealed class BrokenStoreTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("quarantine", "silence and a revival", "holders: 1000 is granted at *rests until *")]
    [InlineData("burial", "a clock that is stepped", "holders: A and B use 1000")]
    [InlineData("death", "silence and a revival", "holders: A and B use 10*")]
    [InlineData("fences", "two begin", "holders: 1000 has fence 1 after 1")]
    [InlineData("one holder", "two begin", "holders: * and * use 10*")]
    [InlineData("requests", "the same again", "answers: A asks for 10, request 0: *")]
    [InlineData("audited releases", "two begin", "audit: entry *, Free of 12 at 1000, frees what is held, or rests")]
    [InlineData("audited deaths", "silence and a revival", "audit: entry *, Reclaim of 12 at 1000, of a session that is Lapsed")]
    [InlineData("audited grants", "two begin", "audit: it says that  is held, and the list *")]
    [InlineData("invariants", "two begin", "validate: *")]
    public async Task With_a_rule_off_some_order_shows_it(string rule, string name, string fault)
    {
        var script = InterleavingScripts.Named(name);
        string pattern = $"^{Regex.Escape(fault).Replace(@"\*", ".*", StringComparison.Ordinal)}$";
        List<string> seen = [];
        for (long number = 0; number < Interleavings.Count(script.Lengths); number++)
        {
            using MemoryBench bench = new(store => Break(store, rule));
            seen = [.. await InterleavingRun.FindFaultsAsync(bench, script, number, Token)];
            if (seen.Exists(one => Regex.IsMatch(one, pattern)))
            {
                return;
            }
        }

        Assert.Fail($"No order of '{name}' shows '{fault}'. The last:{Environment.NewLine}{string.Join(Environment.NewLine, seen)}");
    }

    private static LeaseStore Break(LeaseStore store, string rule) => rule switch
    {
        "quarantine" => new FreesAtOnce(store),
        "burial" => new BuriesEarly(store),
        "death" => new RevivesTheDead(store),
        "fences" => new ReusesFences(store),
        "one holder" => new GrantsTwice(store),
        "requests" => new ForgetsRequests(store),
        "audited releases" => new Conceals(store, LeaseEvent.Release),
        "audited deaths" => new Conceals(store, LeaseEvent.Die),
        "audited grants" => new Conceals(store, LeaseEvent.Grant),
        "invariants" => new IsInvalid(store),
        _ => throw new ArgumentException("There is no such rule.", nameof(rule)),
    };

    private sealed class MemoryBench : StoreBench, IDisposable
    {
        private readonly ManualTime _time = new();
        private readonly InMemoryLeaseStore _memory;
        private LeaseStoreImage? _image;

        public MemoryBench(Func<LeaseStore, LeaseStore> breaks)
        {
            _memory = new InMemoryLeaseStore(_time);
            Store = breaks(_memory);
        }

        public override LeaseStore Store { get; }

        public override ValueTask ElapseAsync(TimeSpan time)
        {
            _time.Advance(time);
            return ValueTask.CompletedTask;
        }

        public override ValueTask RememberAsync()
        {
            _image = _memory.TakeImage();
            return ValueTask.CompletedTask;
        }

        public override ValueTask FailOverAsync()
        {
            _memory.FailOver(_image!);
            return ValueTask.CompletedTask;
        }

        public void Dispose() => _memory.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
