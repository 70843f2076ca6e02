using System.Diagnostics;

namespace Vmem;

/// <summary>A map of an arena: its spans side by side, without the gaps between them, cut into columns of the same length.</summary>
/// <remarks>
/// <para>
/// A map is drawn in rounds. A round walks all segments, a few hundred under each lock, and no more in one call than the caller allows. So
/// a large arena is drawn over several calls, and nobody waits for it. What changes during a round is drawn as it was when the walk passed.
/// </para>
/// <para>
/// In an arena with quantum caches a slab is drawn by how much of it is out. What lies in the magazines of threads counts as allocated.
/// </para>
/// <para>Rejected: an index that knows how much is free below an address. It would answer for each column in some steps, and every later
/// change of a free segment would pay for it.</para>
/// <para>A map is for one thread at a time.</para>
/// </remarks>
[DebuggerDisplay("{Segments} segments in {Spans} spans, after {Rounds} rounds")]
public abstract class ArenaMap
{
    /// <summary>The most columns that a map may have. Arbitrary: no screen has so many.</summary>
    public const int MostColumns = 65_536;

    private ArenaMapColumn[] _drawn = [];

    private protected ArenaMap()
    {
    }

    /// <summary>The columns, as the last complete round found them; none before the first, and of an arena without a span.</summary>
    public ReadOnlySpan<ArenaMapColumn> Columns => _drawn;

    /// <summary>How many complete rounds there were.</summary>
    public long Rounds { get; private set; }

    /// <summary>How many segments the last complete round found.</summary>
    public long Segments { get; private set; }

    /// <summary>How many spans it found.</summary>
    public long Spans { get; private set; }

    /// <summary>What the spans were long together, as a number of any size: so many units are in all columns.</summary>
    public double Size { get; private set; }

    /// <summary>Goes on drawing. O(<paramref name="segments"/>).</summary>
    /// <param name="segments">How many segments and spans to walk at most; 1 is as good as 2. The walk goes on there with the next
    /// call.</param>
    /// <returns>Whether a round is complete: then <see cref="Columns"/> are new. Also if the arena has been disposed of, which then has no
    /// columns.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="segments"/> is less than 1.</exception>
    public abstract bool Update(int segments);

    private protected void Complete(ArenaMapColumn[] columns, long segments, long spans, double size)
    {
        (_drawn, Segments, Spans, Size) = (columns, segments, spans, size);
        Rounds++;
    }
}

/// <summary>A column of a map: what share of it is what. The shares add up to 1, but for rounding.</summary>
/// <param name="Start">The first value of the column.</param>
/// <param name="Allocated">The share that callers hold.</param>
/// <param name="Cached">The share that quantum caches keep.</param>
/// <param name="Resting">The share that rests.</param>
/// <param name="Draining">The share of draining spans that nobody holds.</param>
/// <param name="Free">The share that is free.</param>
/// <param name="Segments">How many segments begin in the column.</param>
[DebuggerDisplay("{Start}: {Allocated} allocated, {Free} free, {Segments} segments")]
public readonly record struct ArenaMapColumn(UInt128 Start, float Allocated, float Cached, float Resting, float Draining, float Free,
    int Segments);
