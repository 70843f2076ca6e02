using System.Numerics;
using Vmem.Ranges;
using Vmem.Space;

namespace Vmem.Importing;

/// <summary>A source that is an arena. It is asked for a place and answers exactly: it fails only if it has none, here or below.</summary>
/// <remarks>
/// A request that fails asks in two passes. The first is gentle: each level looks at what it has and asks the next. In the second each
/// level first takes back whatever is kept for speed. So each level is asked twice, whatever the depth. Rejected: each level does all it
/// can whenever it is asked. Then each asks the next several times for one question, and the ground is asked a power of the depth.
/// </remarks>
internal interface ILender<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Lends a range that holds the place, in whole units.</summary>
    bool TryLend(in Placement<T> need, in ImportTerms<T> terms, out Segment<T> loan);

    /// <summary>Whether there could be such a place, here or below, were everything free.</summary>
    bool CouldLend(in Placement<T> need, T unit);

    /// <summary>The longest free segment, here or below. A hint: nothing stands still.</summary>
    T LongestLoan { get; }
}
