using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Segments;

/// <summary>The indexes over the free segments of a map: how they are asked for, and told of changes.</summary>
internal sealed class FreeIndexes<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
#pragma warning disable CA1051 // They are structs, and changed in place.
    public FreeIndex<T, ByKey<T>> ByAddress;
    public FreeIndex<T, ByKeyThenValue<T>> BySize;
    public FitIndex<T> ByFit;
    public AlignedIndexes<T, ByKey<T>>? Aligned;
    public AlignedIndexes<T, BySizeWithRoom<T>>? AlignedBySize;
    public ListCounts<T> Counts;
#pragma warning restore CA1051

    /// <summary>The order in which what is free was freed; null if nobody asks.</summary>
    public FreedOrder<T>? Order { get; private set; }

    /// <summary>Whether that is never dropped: the arena's own policy goes by it.</summary>
    public bool KeepsOrder { get; set; }

    public FreeIndexes(int quantumShift)
    {
        ByFit = new FitIndex<T> { QuantumShift = quantumShift };
        Counts = new ListCounts<T> { QuantumShift = quantumShift };
    }

    public long Bytes => ByAddress.Bytes + BySize.Bytes + ByFit.Bytes + (Aligned?.Bytes ?? 0) + (AlignedBySize?.Bytes ?? 0)
        + Counts.Bytes + (Order?.Bytes ?? 0);

    /// <summary>Gives all up. They may be begun again.</summary>
    public void Drop()
    {
        ByAddress.Drop();
        BySize.Drop();
        ByFit.Drop();
        Aligned?.Drop();
        AlignedBySize?.Drop();
        DropOrder();
    }

    /// <summary>Gives all memory back, now.</summary>
    public void Release()
    {
        ByAddress.Release();
        BySize.Release();
        ByFit.Release();
        Aligned?.Release();
        AlignedBySize?.Release();
        Order?.Release();
    }

    public void Validate(TagPool<T> tags)
    {
        ByAddress.Validate(tags);
        BySize.Validate(tags);
        ByFit.Validate(tags);
        Aligned?.Validate(tags);
        AlignedBySize?.Validate(tags);
        Counts.Validate(tags);
    }

    /// <summary>Asks for the index by address.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="inSteps">Whether one step is to be taken if it is not complete, not all of them.</param>
    /// <param name="extras">What the tree must know.</param>
    /// <returns>Whether it is complete.</returns>
    public bool HasByAddress(in TagPool<T> tags, bool inSteps, TreeExtras extras = TreeExtras.None) =>
        Has(ref ByAddress, tags, inSteps, extras);

    /// <summary>Asks for the index by size.</summary>
    /// <inheritdoc cref="HasByAddress"/>
    public bool HasBySize(in TagPool<T> tags, bool inSteps, TreeExtras extras = TreeExtras.None) =>
        Has(ref BySize, tags, inSteps, extras);

    /// <summary>Asks for the index of best fit without constraints.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="lists">The free lists.</param>
    /// <param name="inSteps">Whether one step is to be taken if it is not complete, not all of them.</param>
    /// <returns>Whether it is complete.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool HasByFit(in TagPool<T> tags, in FreeLists<T> lists, bool inSteps)
    {
        do
        {
            ByFit.Ask(tags, lists);
        }
        while (!ByFit.IsComplete && !inSteps);
        return ByFit.IsComplete;
    }

    /// <summary>Asks for the index of an order that knows an alignment.</summary>
    /// <param name="aligned">The indexes of that order.</param>
    /// <param name="tags">The tags.</param>
    /// <param name="alignment">Which.</param>
    /// <param name="inSteps">Whether one step is to be taken if it is not complete, not all of them.</param>
    /// <returns>The tree, null if it is not complete.</returns>
    public static RangeTree<T, TOrder>? AskAligned<TOrder>(
        ref AlignedIndexes<T, TOrder>? aligned, in TagPool<T> tags, in Alignment<T> alignment, bool inSteps)
        where TOrder : IRangeOrder<T>
    {
        aligned ??= new AlignedIndexes<T, TOrder>();
        RangeTree<T, TOrder>? tree;
        do
        {
            tree = aligned.Ask(alignment, tags);
        }
        while (tree is null && !inSteps);
        return tree;
    }

    /// <summary>Every index begins now, when there is nothing to enter, and is never dropped.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="lists">The free lists.</param>
    /// <param name="address">What the index by address must know.</param>
    /// <param name="alignments">The alignments to know, fewer than <see cref="AlignedIndexes.Most"/>.</param>
    public void Keep(in TagPool<T> tags, in FreeLists<T> lists, TreeExtras address, IEnumerable<Alignment<T>> alignments)
    {
        (ByAddress.IsKept, BySize.IsKept, ByFit.IsKept) = (true, true, true);
        _ = HasByAddress(tags, inSteps: false, address);
        _ = HasBySize(tags, inSteps: false, TreeExtras.Bounds);
        _ = HasByFit(tags, lists, inSteps: false);
        foreach (Alignment<T> alignment in alignments)
        {
            (Aligned ??= new()).Keep(alignment, tags);
            (AlignedBySize ??= new()).Keep(alignment, tags);
        }
    }

    /// <summary>Asks for the order in which what is free was freed. If there is none, one begins.</summary>
    public FreedOrder<T> AskOrder()
    {
        Order ??= BeginOrder();
        Order.NoteAsked();
        return Order;
    }

    /// <summary>The order begins anew.</summary>
    public void DropOrder()
    {
        FreedOrder<T>? order = Order;
        if (order is not null)
        {
            Order = null;
            GivenUp.Release(order, order.Bytes);
        }
    }

    /// <summary>Makes sure that the indexes can follow the next change. Those that nobody asks for any more are dropped.</summary>
    public void Reserve()
    {
        if (Order is { IsIdle: true } && !KeepsOrder)
        {
            DropOrder();
        }

        Order?.Reserve(2);
        ByAddress.Reserve();
        BySize.Reserve();
        ByFit.Reserve();
        Aligned?.Reserve();
        AlignedBySize?.Reserve();
        Counts.Reserve();
    }

    public bool IsAnyBegun =>
        Order is not null || ByAddress.IsBegun || BySize.IsBegun || ByFit.IsBegun || Counts.IsBegun || Aligned is { IsBegun: true }
            || AlignedBySize is { IsBegun: true };

    public bool HasReserve =>
        ByAddress.HasReserve && BySize.HasReserve && ByFit.HasReserve && Counts.HasReserve && Aligned is null or { HasReserve: true }
            && AlignedBySize is null or { HasReserve: true }
            && (Order is null || ((KeepsOrder || !Order.IsIdle) && Order.HasReserved(2)));

    public void Add(T start, T size, uint tag)
    {
        if (ByAddress.IsBegun)
        {
            ByAddress.Add(start, size, tag);
        }

        if (BySize.IsBegun)
        {
            BySize.Add(start, size, tag);
        }

        if (ByFit.IsBegun)
        {
            ByFit.Add(start, size, tag);
        }

        Aligned?.Add(start, size, tag);
        AlignedBySize?.Add(start, size, tag);
        Counts.Add(size, tag);
    }

    public void Remove(T start, T size, uint tag)
    {
        if (ByAddress.IsBegun)
        {
            ByAddress.Remove(start, size, tag);
        }

        if (BySize.IsBegun)
        {
            BySize.Remove(start, size, tag);
        }

        if (ByFit.IsBegun)
        {
            ByFit.Remove(start, size, tag);
        }

        Aligned?.Remove(start, size, tag);
        AlignedBySize?.Remove(start, size, tag);
        Counts.Remove(size, tag);
    }

    /// <summary>A free segment has changed its start, its size or its tag, and no other lies between what it was and what it is.</summary>
    public void Replace(T oldStart, T oldSize, uint oldTag, T start, T size, uint tag)
    {
        if (ByAddress.IsBegun)
        {
            ByAddress.Replace(oldStart, oldSize, oldTag, start, size, tag);
        }

        if (BySize.IsBegun)
        {
            BySize.Replace(oldStart, oldSize, oldTag, start, size, tag);
        }

        if (ByFit.IsBegun)
        {
            ByFit.Replace(oldStart, oldSize, oldTag, start, size, tag);
        }

        Aligned?.Replace(oldStart, oldSize, oldTag, start, size, tag);
        AlignedBySize?.Replace(oldStart, oldSize, oldTag, start, size, tag);
        Counts.Remove(oldSize, oldTag);
        Counts.Add(size, tag);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Has<TOrder>(ref FreeIndex<T, TOrder> index, in TagPool<T> tags, bool inSteps, TreeExtras extras)
        where TOrder : IRangeOrder<T>
    {
        index.Want(extras);
        do
        {
            index.Ask(tags);
        }
        while (!index.IsComplete && !inSteps);
        return index.IsComplete;
    }

    private static FreedOrder<T> BeginOrder()
    {
        FreedOrder<T> order = new();
        try
        {
            order.Reserve(2);
            return order;
        }
        catch
        {
            order.Release();
            throw;
        }
    }
}
