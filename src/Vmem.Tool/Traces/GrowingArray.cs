using System.Runtime.CompilerServices;

namespace Vmem.Tool.Traces;

/// <summary>A list with a limit: what a file makes the tool keep must not be without one.</summary>
internal sealed class GrowingArray<T>(int limit)
    where T : unmanaged
{
    private const int FirstLength = 256;

    private T[] _items = [];

    public int Count { get; private set; }

    public long Bytes => (long)_items.Length * Unsafe.SizeOf<T>();

    public Span<T> Items => _items.AsSpan(0, Count);

    public T this[int index] => Items[index];

    public void Clear() => Count = 0;

    /// <summary>False, and nothing changed, when the limit would be exceeded.</summary>
    public bool TryAppend(T item) => TryAppend(new ReadOnlySpan<T>(in item));

    /// <summary>Puts an item before the one at the index; false, and nothing changed, when the limit would be exceeded. O(n).</summary>
    public bool TryInsert(int index, T item)
    {
        if (!TryAppend(item))
        {
            return false;
        }

        Items[index..^1].CopyTo(Items[(index + 1)..]);
        Items[index] = item;
        return true;
    }

    /// <summary>All of the items or, when the limit would be exceeded, none.</summary>
    public bool TryAppend(ReadOnlySpan<T> items)
    {
        if (items.Length > limit - Count)
        {
            return false;
        }

        if (items.Length > _items.Length - Count)
        {
            long wanted = Math.Max(Math.Max(FirstLength, 2L * _items.Length), (long)Count + items.Length);
            Array.Resize(ref _items, (int)Math.Min(wanted, limit));
        }

        items.CopyTo(_items.AsSpan(Count));
        Count += items.Length;
        return true;
    }
}
