using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Segments;

/// <summary>Where ranges may begin: at the phase, and at each multiple of a power of two from there. The default value: anywhere.</summary>
/// <param name="Mask">The power of two, less 1.</param>
/// <param name="Phase">The phase.</param>
internal readonly record struct Alignment<T>(T Mask, T Phase)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How much of a segment remains behind its first aligned value: the largest request it has a place for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T RoomIn(T start, T size)
    {
        T skipped = SkippedAt(start);
        return skipped < size ? size - skipped : T.Zero;
    }

    /// <summary>The last value of a segment that has so much room.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T LastOf(T start, T room) => start + SkippedAt(start) + (room - T.One);

    private T SkippedAt(T start) => (Phase - start) & Mask;
}
