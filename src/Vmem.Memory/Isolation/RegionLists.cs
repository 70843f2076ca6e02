using System.Numerics;
using Vmem.Checks;

namespace Vmem.Memory.Isolation;

/// <summary>A client's regions, by the order of the largest free block of each.</summary>
/// <remarks>
/// A request takes from the region whose largest free block is the smallest that serves: two instructions on a mask, whatever the number of
/// regions, and the regions with most room are left to empty. List 0 holds those with nothing free, or of which
/// nothing is to be given out: large blocks and sealed regions among them. List k + 1 holds those whose largest free block has order
/// k.
/// </remarks>
internal struct RegionLists
{
    /// <summary>A region has at most 2^30 units.</summary>
    public const int Lists = 32;

    private readonly Region?[] _heads;
    private ulong _nonEmpty;

    public RegionLists(Region?[] heads) => _heads = heads;

    public int Count { get; private set; }

    /// <summary>The order of the largest free block of all; −1 if there is none.</summary>
    public readonly int LargestFreeOrder => _nonEmpty == 0 ? -1 : BitOperations.Log2(_nonEmpty) - 1;

    public void Add(Region region)
    {
        Link(region, ListFor(region));
        Count++;
    }

    public void Remove(Region region)
    {
        Invariant.Assert(Count > 0, "a region that goes was counted");
        Unlink(region);
        Count--;
    }

    /// <summary>To be called after every change of the region's tree.</summary>
    public void Refresh(Region region)
    {
        int list = ListFor(region);
        if (list != region.List)
        {
            Unlink(region);
            Link(region, list);
        }
    }

    /// <summary>A region with a free block of at least this order; null if there is none.</summary>
    public readonly Region? Find(int order)
    {
        ulong mask = _nonEmpty & (ulong.MaxValue << (order + 1));
        return mask == 0 ? null : _heads[BitOperations.TrailingZeroCount(mask)];
    }

    /// <summary>Some region; null if there is none.</summary>
    public readonly Region? First => _nonEmpty == 0 ? null : _heads[BitOperations.TrailingZeroCount(_nonEmpty)];

    /// <summary>The one after it in some order that lists every region once; it may be removed meanwhile.</summary>
    public readonly Region? After(Region region)
    {
        if (region.Next is { } next)
        {
            return next;
        }

        ulong above = _nonEmpty & ~(ulong.MaxValue >> (63 - region.List));
        return above == 0 ? null : _heads[BitOperations.TrailingZeroCount(above)];
    }

    /// <summary>The list that a region belongs in.</summary>
    public static int ListFor(Region region) => region.Tree is { } tree && !region.IsSealed ? tree.LargestFreeOrder + 1 : 0;

    private void Link(Region region, int list)
    {
        Region? head = _heads[list];
        Invariant.Assert(head != region && (head is null) == ((_nonEmpty >> list & 1) == 0), "a list is marked if it is not empty");
        region.List = list;
        region.Previous = null;
        region.Next = head;
        _heads[list] = region;
        _nonEmpty |= 1ul << list;
        if (head is not null)
        {
            head.Previous = region;
        }
    }

    private void Unlink(Region region)
    {
        Invariant.Assert((region.Previous is { } before ? before.Next : _heads[region.List]) == region, "what leaves a list was in it");
        if (region.Previous is { } previous)
        {
            previous.Next = region.Next;
        }
        else
        {
            _heads[region.List] = region.Next;
            if (region.Next is null)
            {
                _nonEmpty &= ~(1ul << region.List);
            }
        }

        if (region.Next is { } next)
        {
            next.Previous = region.Previous;
        }
    }
}
