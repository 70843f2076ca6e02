using System.Diagnostics;
using System.Numerics;

namespace Vmem;

/// <summary>What an arena holds and has done; every figure is exact at the time of the call, with quantum caches as far as
/// <see cref="Arena{T}.GetStatistics"/> says.</summary>
/// <remarks>Amounts are in the arena's units. An amount that <typeparamref name="T"/> cannot hold (an arena over every value of the type)
/// reads as <c>T.MaxValue</c>.</remarks>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{InUse} of {TotalSize} in use, {Free} free, {LargestFree} of it in one piece")]
public readonly record struct ArenaStatistics<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The size of all spans together.</summary>
    public T TotalSize { get; init; }

    /// <summary>What callers hold, in units; requests count as rounded up to the quantum.</summary>
    public T InUse { get; init; }

    /// <summary>What caches hold ready for callers. An arena without quantum caches has none.</summary>
    public T Cached { get; init; }

    /// <summary>What was freed later and rests: nobody holds it, and no request can have it yet. See
    /// <see cref="Arena{T}.FreeAfter(T, T, TimeSpan)"/>.</summary>
    public T Resting { get; init; }

    /// <summary>What nobody holds, and a request can have: <c>TotalSize − InUse − Cached − Resting − Draining</c>.</summary>
    public T Free { get; init; }

    /// <summary>What nobody holds of spans that drain (<see cref="Arena{T}.TryDrainSpan"/>): no request can have it any more, and it goes
    /// with its span.</summary>
    public T Draining { get; init; }

    /// <summary>Spans that drain.</summary>
    public long DrainingSpans { get; init; }

    /// <summary>The part of <see cref="TotalSize"/> that came from the arena's source.</summary>
    public T Imported { get; init; }

    /// <summary>The size of the largest free segment: the largest request without constraints that can be met at once.</summary>
    public T LargestFree { get; init; }

    /// <summary>The most that was ever in use. In an arena with quantum caches an upper bound: what lies in threads' magazines counts as in
    /// use here, as an exact figure would need a counter that all threads share.</summary>
    public T PeakInUse { get; init; }

    /// <summary>Allocations that succeeded.</summary>
    public long Allocations { get; init; }

    /// <summary>Frees that succeeded. One that makes a range rest counts when it is made.</summary>
    public long Frees { get; init; }

    /// <summary>Allocations that found no room. A wait counts when its time has passed; a cancelled one does not.</summary>
    public long Failures { get; init; }

    /// <summary>Allocations that had to wait for room, however the wait ended or if it goes on.</summary>
    public long Waits { get; init; }

    /// <summary>How long the waits that have ended took, all together.</summary>
    public TimeSpan TimeWaited { get; init; }

    /// <summary>Spans imported from the source.</summary>
    public long Imports { get; init; }

    /// <summary>Spans given back to the source.</summary>
    public long Releases { get; init; }

    /// <summary>Imports that were revoked (<see cref="Arena{T}.Revoke"/>): they did not go back.</summary>
    public long Revocations { get; init; }

    /// <summary>Allocated segments.</summary>
    public long LiveSegments { get; init; }

    /// <summary>Free segments.</summary>
    public long FreeSegments { get; init; }

    /// <summary>
    /// Bytes of the arena's own tables, up to the most that was ever in use. The chunks they lie in may be up to twice as long; what was
    /// never in use of them is address space, not memory, except in tables of less than a page, which count as a whole.
    /// </summary>
    public long BookkeepingBytes { get; init; }

    /// <summary>External fragmentation: <c>1 − LargestFree / Free</c>; 0 when nothing is free or all of it is one segment.</summary>
    public double Fragmentation => T.IsZero(Free) ? 0 : 1 - (double.CreateSaturating(LargestFree) / double.CreateSaturating(Free));
}
