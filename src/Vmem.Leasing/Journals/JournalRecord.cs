using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Leasing.Journals;

/// <summary>A record as it lies in the file: its number, a range, and a checksum that covers both and the file's generation.</summary>
/// <remarks>So what an earlier generation left in the same place is told apart, and so is a record of which a part was written.</remarks>
internal static unsafe class JournalRecord<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private const ulong FreeBit = 1UL << 63;

    /// <summary>Its length in words of 64 bits.</summary>
    public static int Words
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => IsWide ? 6 : 4;
    }

    /// <summary>Its length in bytes.</summary>
    public static int Length
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Words * sizeof(ulong);
    }

    private static bool IsWide
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Unsafe.SizeOf<T>() > sizeof(ulong);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(ulong* record, ulong generation, long place, T start, T size, bool isFree)
    {
        ulong number = (ulong)place | (isFree ? FreeBit : 0);
        ulong from = ulong.CreateTruncating(start);
        ulong length = ulong.CreateTruncating(size);
        record[0] = number;
        if (IsWide)
        {
            (record[1], record[2], record[3], record[4]) = (from, High(start), length, High(size));
            record[5] = Sum(generation, number, from, length) ^ JournalHash.Mix(number, record[2], record[4]);
            return;
        }

        (record[1], record[2]) = (from, length);
        record[3] = Sum(generation, number, from, length);
    }

    /// <summary>Reads a record. False: there is none in this place, or only a part of one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryRead(ulong* record, ulong generation, long place, out JournalNote<T> note)
    {
        bool isFree = (record[0] & FreeBit) != 0;
        ulong from = record[1];
        ulong length = IsWide ? record[3] : record[2];
        ulong sum = Sum(generation, record[0], from, length);
        if (IsWide)
        {
            sum ^= JournalHash.Mix(record[0], record[2], record[4]);
        }

        if ((record[0] & ~FreeBit) != (ulong)place || sum != record[Words - 1])
        {
            note = default;
            return false;
        }

        T start = T.CreateTruncating(from);
        T size = T.CreateTruncating(length);
        if (IsWide)
        {
            start |= T.CreateTruncating(record[2]) << 64;
            size |= T.CreateTruncating(record[4]) << 64;
        }

        note = new JournalNote<T>(start, size, place, isFree);
        return true;
    }

    /// <summary>Two sums that do not wait for each other: the lock that is taken next waits for the record.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Sum(ulong generation, ulong number, ulong from, ulong length) =>
        JournalHash.Mix(generation, from, length) ^ JournalHash.Mix(~generation, number, generation);

    private static ulong High(T value) => IsWide ? ulong.CreateTruncating(value >> 64) : 0;
}
