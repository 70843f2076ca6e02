using System.Numerics;

namespace Vmem;

/// <summary>Where an arena gets spans from when it runs out, and to whom it gives them back (the paper's import and release
/// functions).</summary>
/// <remarks>
/// <see cref="Arena{T}"/> is itself a source, so arenas stack to any depth. An arena calls its source without holding its own lock;
/// a source that several arenas share must be thread-safe. On behalf of those who wait it may be asked on a thread of the pool, unless the
/// arena is single-threaded.
/// <para>
/// Neither method may block. Both are called by whoever allocates, and <see cref="Release"/> by whoever frees the last range of a span, or
/// has a part in it through caches. A source that has to ask a server keeps a stock, refuses when that is empty, and says when it
/// has more: see <see cref="INotifyingArenaSource{T}"/>. Who frees while others wait never asks the source for them: another
/// thread does, unless the arena is single-threaded.
/// </para>
/// <para>
/// A request fails only when the other arenas above the same source have given back what they keep and nobody uses, and the source has
/// been asked once more (<see cref="ArenaOptions{T}.SharesSource"/>). An arena in which somebody waits is kept alive by its source. Arenas
/// of one thread neither ask the others for that nor are asked, unless the source is an arena of one thread.
/// </para>
/// <para>
/// Neither should throw. What <see cref="TryImport"/> throws ends the request on whose behalf it was asked. What <see cref="Release"/>
/// throws undoes no release: the range counts as given back. A call that gives ranges takes them back, and throws it. One that gives up
/// what it names (a free, <see cref="Arena{T}.CompleteFence"/>, <see cref="Arena{T}.Reap"/>, <see cref="Arena{T}.Revoke"/>,
/// <see cref="Arena{T}.Dispose"/>), or serves others (<see cref="Arena{T}.RetryWaiters"/>), throws it when all of that is done. A
/// <see cref="Arena{T}.TryDrainSpan"/> that cannot begin for it is undone, and throws it. Any other call that has done what it was asked
/// does not throw it: whoever has moved, cut or extended a range, or added a span, must know that.
/// </para>
/// <para>A source that takes something away calls <see cref="Arena{T}.Revoke"/>, under no lock of its own that
/// <see cref="Release"/> takes. It may still get a release that was on its way.</para>
/// </remarks>
/// <typeparam name="T">The integer type of both sides.</typeparam>
public interface IArenaSource<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The unit of what the source hands out, not 0: every import starts at a multiple of it and is a multiple of it
    /// long.</summary>
    T Quantum { get; }

    /// <summary>Asks for a range of at least <paramref name="size"/> units.</summary>
    /// <param name="size">The least length, in units; never zero.</param>
    /// <param name="constraints">What the whole range should satisfy; a source that cannot honour it returns false.</param>
    /// <param name="start">The first value of the range.</param>
    /// <param name="imported">Its length, at least <paramref name="size"/>: what <see cref="Release"/> will be called with.</param>
    /// <returns>Whether there was such a range.</returns>
    bool TryImport(T size, in RangeConstraints<T> constraints, out T start, out T imported);

    /// <summary>Takes back a whole range that <see cref="TryImport"/> gave.</summary>
    /// <param name="start">Its first value.</param>
    /// <param name="size">Its length as imported.</param>
    void Release(T start, T size);
}
