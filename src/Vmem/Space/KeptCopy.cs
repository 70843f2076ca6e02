using System.Buffers;

namespace Vmem.Space;

/// <summary>What a batch has taken so far, apart from the caller's memory: that may change while others are called, and what is given back
/// must be what was taken.</summary>
/// <remarks>Costs nothing until others are about to be called, and is pooled. What another thread writes into the caller's memory before
/// that is not seen.</remarks>
internal struct KeptCopy<TItem> : IDisposable
{
    private TItem[]? _items;
    private int _count;

    /// <summary>All that was kept.</summary>
    public readonly ReadOnlySpan<TItem> Items => _items.AsSpan(0, _count);

    /// <summary>Others are about to be called: keeps what has come since the last time.</summary>
    /// <param name="taken">All that was taken so far.</param>
    /// <param name="most">How many there may be in the end.</param>
    public void Keep(ReadOnlySpan<TItem> taken, int most)
    {
        if (taken.Length > _count)
        {
            _items ??= ArrayPool<TItem>.Shared.Rent(most);
            taken[_count..].CopyTo(_items.AsSpan(_count));
            _count = taken.Length;
        }
    }

    /// <summary>Gives the pooled memory back.</summary>
    public void Dispose()
    {
        if (_items is not null)
        {
            ArrayPool<TItem>.Shared.Return(_items);
            _items = null;
            _count = 0;
        }
    }
}
