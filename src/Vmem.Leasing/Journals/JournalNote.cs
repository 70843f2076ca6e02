using System.Numerics;

namespace Vmem.Leasing.Journals;

/// <summary>An allocation or a free, as it was noted.</summary>
internal readonly struct JournalNote<T>(T start, T size, long place, bool isFree)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly long _number = isFree ? ~place : place;

    public T Start { get; } = start;

    public T Size { get; } = size;

    public bool IsFree => _number < 0;

    /// <summary>The larger, the newer.</summary>
    public long Place => _number < 0 ? ~_number : _number;
}
