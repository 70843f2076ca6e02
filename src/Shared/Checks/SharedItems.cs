using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vmem.Checks;

/// <summary>Items of an array that another thread may look at (see <see cref="Shared{T}"/>).</summary>
internal static class SharedItems
{
#if DEBUG
    public static T ReadItem<T>(this T[] items, nint index, [CallerMemberName] string member = "", [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0) =>
        Exploration.Current is { } exploration ? exploration.ReadItem(items, (int)index, (member, file, line)) : items[index];

    public static void WriteItem<T>(this T[] items, nint index, T value, [CallerMemberName] string member = "",
        [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        if (Exploration.Current is { } exploration)
        {
            exploration.WriteItem(items, (int)index, value, (member, file, line));
        }
        else
        {
            items[index] = value;
        }
    }

    public static void CopyItems<T>(this T[] items, int index, Span<T> to)
    {
        for (int i = 0; i < to.Length; i++)
        {
            to[i] = items.ReadItem(index + i);
        }
    }

    public static void MoveItems<T>(this T[] items, int from, int to, int count)
    {
        for (int i = 0; i < count; i++)
        {
            items.WriteItem(to + i, items.ReadItem(from + i));
        }
    }

    public static void WriteReversed<T>(this T[] items, int index, ReadOnlySpan<T> from)
    {
        for (int i = 0; i < from.Length; i++)
        {
            items.WriteItem(index + i, from[^(i + 1)]);
        }
    }
#else
    /// <summary>An item at an index that is known to be one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T ReadItem<T>(this T[] items, nint index) => Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(items), index);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteItem<T>(this T[] items, nint index, T value) =>
        Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(items), index) = value;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void CopyItems<T>(this T[] items, int index, Span<T> to) => items.AsSpan(index, to.Length).CopyTo(to);

    /// <summary>Writes items from an index on, the first of them last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteReversed<T>(this T[] items, int index, ReadOnlySpan<T> from)
    {
        Span<T> to = items.AsSpan(index, from.Length);
        from.CopyTo(to);
        to.Reverse();
    }

    /// <summary>Moves items down: to a lower index.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void MoveItems<T>(this T[] items, int from, int to, int count) => items.AsSpan(from, count).CopyTo(items.AsSpan(to));
#endif
}
