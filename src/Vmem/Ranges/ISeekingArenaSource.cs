using System.Numerics;

namespace Vmem;

/// <summary>A source that can be asked to look for a place, and may take its time: it may have to ask a server.</summary>
/// <remarks>
/// <see cref="IArenaSource{T}.TryImport"/> must not block. So a source that leases refuses what it does not have at hand, and its refusal
/// does not say whether others have it. Whoever wants a certain place, and must know, seeks it first and then imports it.
/// <see cref="Arena{T}"/> is such a source: it looks at its own free segments, and asks the source below if that is one, too, and has the
/// same quantum.
/// </remarks>
/// <typeparam name="T">The integer type of both sides.</typeparam>
public interface ISeekingArenaSource<T> : IArenaSource<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Finds the lowest free place in a window, and has it at hand.</summary>
    /// <param name="size">How long the place is, in units; rounded up to the quantum.</param>
    /// <param name="first">The lowest value that it may have.</param>
    /// <param name="last">The highest value that it may have. If the window is shorter than the place, there is none.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    /// <returns>The first value of the place: an import of just that succeeds, unless another comes first. Null: none is free at
    /// present.</returns>
    /// <exception cref="OperationCanceledException">The search was ended.</exception>
    /// <exception cref="ObjectDisposedException">The source was disposed of.</exception>
    /// <remarks>A source whose server fails may answer with what it has at hand, if that is not the lowest place, too. O(n) in the segments
    /// of an arena; besides what a server takes. Nothing is allocated, but for spans that the source keeps at hand.</remarks>
    ValueTask<T?> SeekAsync(T size, T first, T last, CancellationToken cancellationToken = default);
}
