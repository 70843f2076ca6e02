using System.Numerics;
using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;

namespace Vmem.Tool.Tests.Replay;

/// <summary>The naive buddy system: the free blocks of each size in a sorted set, and no bound on the space, which is 2^46.</summary>
internal sealed class NaiveBuddyTarget : IReplayTarget
{
    private const int Orders = 47;

    private readonly SortedSet<ulong>[] _free = [.. Enumerable.Range(0, Orders).Select(_ => new SortedSet<ulong>())];
    private readonly SortedDictionary<ulong, ulong> _live = [];
    private readonly ulong _quantum;

    /// <param name="quantum">The smallest block.</param>
    /// <param name="limit">The range; null: 2^46.</param>
    public NaiveBuddyTarget(ulong quantum, ulong? limit)
    {
        _quantum = quantum;
        ulong start = 0;
        for (ulong rest = limit ?? 1UL << (Orders - 1); rest >= quantum; rest -= 1UL << BitOperations.Log2(rest))
        {
            int order = BitOperations.Log2(rest);
            _ = _free[order].Add(start);
            start += 1UL << order;
        }
    }

    public string Name => "buddy";

    public AllocatorKind Allocator => AllocatorKind.Buddy;

    public ulong RoundUp(ulong requested) =>
        requested > 1UL << 47 ? ulong.MaxValue : BitOperations.RoundUpToPowerOf2(Math.Max(requested, _quantum));

    public bool TryAllocate(ulong size, out ulong offset)
    {
        int order = BitOperations.Log2(size);
        int found = Array.FindIndex(_free, Math.Min(order, Orders), blocks => blocks.Count > 0);
        offset = found < 0 ? 0 : _free[found].Min;
        if (found < 0)
        {
            return false;
        }

        _ = _free[found].Remove(offset);
        while (--found >= order)
        {
            _ = _free[found].Add(offset + (1UL << found));
        }

        _live.Add(offset, size);
        return true;
    }

    public void Free(ulong offset, ulong size)
    {
        _ = _live.Remove(offset);
        int order = BitOperations.Log2(size);
        while (_free[order].Remove(offset ^ (1UL << order)))
        {
            offset &= ~(1UL << order);
            order++;
        }

        _ = _free[order].Add(offset);
    }

    public TargetFigures GetFigures()
    {
        ulong inUse = 0;
        ulong end = 0;
        foreach ((ulong start, ulong size) in _live)
        {
            inUse += size;
            end = start + size;
        }

        return new TargetFigures(inUse, end - inUse, 0);
    }

    public void Dispose()
    {
    }
}
