using System.Numerics;
using Vmem.Recording;
using Vmem.Space;

namespace Vmem.Caching;

/// <summary>The magazine caches of an arena, by class, and who records what goes through them.</summary>
/// <remarks>
/// One object, so that a thread that has read it knows both, and no operation goes unrecorded through caches that are recorded. Caches
/// belong to one layer for good; see <see cref="ArenaRecorder{T}"/> for why. So it is with the spans that drain: a thread that did not know
/// of one yet is about to return a range to a cache that takes nothing in any more.
/// </remarks>
internal sealed class MagazineLayer<T>(MagazineCache<T>[] caches, ArenaRecorder<T>? recorder)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    public MagazineCache<T>[] Caches => caches;

    /// <summary>Those that a range may be returned to without a look, by class. Where a handle holds a range of the size, or a
    /// span drains, an entry takes nothing. Changes under the arena's lock.</summary>
    public MagazineCache<T>[] Returns { get; } = [.. caches];

    /// <summary>Spans that drain or were revoked: no range of them comes in. Becomes longer only with another layer.</summary>
    public Segment<T>[] Withheld { get; set; } = [];

    /// <summary>Whether a range may come in.</summary>
    public bool MayKeep(T start) => !WithheldRanges<T>.Lies(Withheld, start);

    /// <summary>Null if nobody does.</summary>
    public ArenaRecorder<T>? Recorder => recorder;
}
