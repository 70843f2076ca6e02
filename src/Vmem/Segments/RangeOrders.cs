using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Segments;

/// <summary>How the entries of a <see cref="RangeTree{T, TOrder}"/> are ordered.</summary>
internal interface IRangeOrder<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    static abstract bool Less(T key1, T value1, T key2, T value2);

    /// <summary>Which slots of a node are at or after (key, value), and which strictly after it.</summary>
    static abstract unsafe uint NotBefore(T* keys, T* values, T key, T value);

    static abstract unsafe uint After(T* keys, T* values, T key, T value);

    /// <summary>Whether <c>TryFindFirst</c> and <c>TryFindLast</c> heed values; else any value will do.</summary>
    static abstract bool HeedsValues { get; }

    /// <summary>Whether the key of a segment is its start, and the value its size; else it is the other way round.</summary>
    static abstract bool IsByStart { get; }

    /// <summary>Whether there are values at all; else they are neither kept nor compared.</summary>
    static abstract bool HasValues { get; }

    /// <summary>Whether the value to heed is not an entry's own, but the room for an aligned range in it. The key is a size then, and the
    /// value a start.</summary>
    static abstract bool HasRooms { get; }

    /// <summary>Moves to the least entry above (key, value) that the order tells apart from it; false at the very top.</summary>
    static abstract bool TryAdvance(ref T key, ref T value);
}

/// <summary>By start; starts are unique, so that the sizes beside them may change in place.</summary>
internal readonly struct ByKey<T> : IRangeOrder<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Less(T key1, T value1, T key2, T value2) => key1 < key2;

    public static bool HeedsValues => true;

    public static bool HasValues => true;

    public static bool HasRooms => false;

    public static bool IsByStart => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint NotBefore(T* keys, T* values, T key, T value) => NodeScan.AtLeast(keys, key);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint After(T* keys, T* values, T key, T value) => NodeScan.Above(keys, key);

    public static bool TryAdvance(ref T key, ref T value)
    {
        value = T.Zero;
        return !T.IsZero(++key);
    }
}

/// <summary>By start, with values that no search goes by.</summary>
internal readonly struct ByStart<T> : IRangeOrder<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Less(T key1, T value1, T key2, T value2) => key1 < key2;

    public static bool HeedsValues => false;

    public static bool HasValues => true;

    public static bool HasRooms => false;

    public static bool IsByStart => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint NotBefore(T* keys, T* values, T key, T value) => NodeScan.AtLeast(keys, key);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint After(T* keys, T* values, T key, T value) => NodeScan.Above(keys, key);

    public static bool TryAdvance(ref T key, ref T value) => !T.IsZero(++key);
}

/// <summary>By start alone: what is known of all entries together, such as their one size, is not kept with each.</summary>
internal readonly struct ByKeyAlone<T> : IRangeOrder<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Less(T key1, T value1, T key2, T value2) => key1 < key2;

    public static bool HeedsValues => false;

    public static bool HasValues => false;

    public static bool HasRooms => false;

    public static bool IsByStart => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint NotBefore(T* keys, T* values, T key, T value) => NodeScan.AtLeast(keys, key);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint After(T* keys, T* values, T key, T value) => NodeScan.Above(keys, key);

    public static bool TryAdvance(ref T key, ref T value) => !T.IsZero(++key);
}

/// <summary>By size, then start. What searches heed is the room in each segment.</summary>
internal readonly struct BySizeWithRoom<T> : IRangeOrder<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    public static bool HeedsValues => true;

    public static bool HasValues => true;

    public static bool HasRooms => true;

    public static bool IsByStart => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Less(T key1, T value1, T key2, T value2) => ByKeyThenValue<T>.Less(key1, value1, key2, value2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint NotBefore(T* keys, T* values, T key, T value) => ByKeyThenValue<T>.NotBefore(keys, values, key, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint After(T* keys, T* values, T key, T value) => ByKeyThenValue<T>.After(keys, values, key, value);

    public static bool TryAdvance(ref T key, ref T value) => ByKeyThenValue<T>.TryAdvance(ref key, ref value);
}

/// <summary>By size, and among equal sizes by start.</summary>
internal readonly struct ByKeyThenValue<T> : IRangeOrder<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Less(T key1, T value1, T key2, T value2) => (key1 < key2) | ((key1 == key2) & (value1 < value2));

    public static bool HeedsValues => false;

    public static bool HasValues => true;

    public static bool HasRooms => false;

    public static bool IsByStart => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint NotBefore(T* keys, T* values, T key, T value)
    {
        uint equal = NodeScan.EqualTo(keys, key);
        return NodeScan.AtLeast(keys, key) & ~(equal & ~NodeScan.AtLeast(values, value));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static unsafe uint After(T* keys, T* values, T key, T value)
    {
        uint before = NodeScan.EqualTo(keys, key) & ~NodeScan.Above(values, value);
        return NodeScan.AtLeast(keys, key) & ~before;
    }

    public static bool TryAdvance(ref T key, ref T value) => !T.IsZero(++value) || !T.IsZero(++key);
}
