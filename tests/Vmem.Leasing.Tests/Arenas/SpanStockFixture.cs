using Vmem.Leasing.Arenas;
using Vmem.Leasing.Sessions;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>Stocks of spans without a store. Spans have 8 as a rule, of values from 0 on.</summary>
public abstract class SpanStockFixture
{
    private protected int Wakes { get; set; }

    private protected SpanStock<ulong> NewStock(int target, ulong limit = 0, ulong quantum = 1)
    {
        LeaseDefinition definition = new()
        {
            Start = 0,
            Size = 1024,
            Quantum = quantum,
            Type = nameof(UInt64),
            Quarantine = TimeSpan.FromMinutes(1),
        };
        return new(new SpanGrid(definition, 8), target, limit, () => Wakes++, static listener => listener());
    }

    /// <summary>Its fence is its start.</summary>
    private protected static LeasedSpan<ulong> Span(ulong start, ulong size = 8) =>
        new(start, size, new Holding(new LeaseClaim(1, Guid.Empty, start, size, (long)start, Guid.Empty), new Legacy(), null));

    /// <summary>Adds spans of 8 that lie ready.</summary>
    private protected static LeasedSpan<ulong>[] Add(SpanStock<ulong> stock, params ulong[] starts)
    {
        LeasedSpan<ulong>[] spans = [.. starts.Select(static start => Span(start))];
        Array.ForEach(spans, span => stock.Add(span, null));
        return spans;
    }

    /// <summary>Where the span begins that the arena gets; null if it gets none.</summary>
    private protected static ulong? Import(SpanStock<ulong> stock, ulong size, RangeConstraints<ulong> constraints = default)
    {
        bool isThere = stock.TryImport(size, constraints, out ulong start, out ulong imported);
        Assert.Equal(isThere, imported >= size);
        Assert.Equal(isThere ? stock.Find(start)?.Size : 0, imported);
        return isThere ? start : null;
    }

    private protected static ulong[] Starts(IEnumerable<LeasedSpan<ulong>> spans) => [.. spans.Select(static span => span.Start)];

    private protected static ulong[] Missing(SpanStock<ulong> stock, ulong? room = null, bool isHopeless = false) =>
        [.. stock.Missing(isHopeless, room ?? stock.Room, out _).Select(static need => need.Size)];
}
