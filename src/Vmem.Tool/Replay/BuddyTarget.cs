using System.Numerics;
using Vmem.Tool.Blocks;

namespace Vmem.Tool.Replay;

/// <summary>
/// A <see cref="BuddyAllocator{T}"/> from 0, its smallest block the quantum.
/// <para>
/// Its bookkeeping is there from the beginning, so that it cannot have a span without end. Without a limit it begins with
/// 2^<see cref="FirstOrder"/> smallest blocks, and whenever nothing fits another allocator as large as all before is put behind them: what
/// a buddy system of twice the size would have there, only that the two halves never become one block. Few recordings get so far.
/// </para>
/// <para>
/// The bookkeeping reported is that of the smallest power of two that holds the range used. A buddy system of this size would have done
/// exactly the same: a block of the half above is divided only if none below will do.
/// </para>
/// </summary>
internal sealed class BuddyTarget : IReplayTarget
{
    /// <summary>4 GiB in blocks of 16 bytes; their bookkeeping is 55 MB, of which only what is used is ever touched. Arbitrary.</summary>
    public const int FirstOrder = 28;

    /// <summary>Without a limit it grows no further than this: 64 GiB in blocks of 16 bytes, and 885 MB of bookkeeping.
    /// Arbitrary.</summary>
    public const int LastOrder = 32;

    /// <summary>More smallest blocks than this fit into no table (see <see cref="BuddyAllocator{T}"/>).</summary>
    public const int MaxOrder = 36;

    private readonly List<BuddyAllocator<ulong>> _parts = [];
    private readonly ulong _quantum;
    private readonly ulong? _limit;
    private readonly int _firstShift;
    private readonly int _lastShift;
    private ulong _end;
    private ulong _range;
    private (ulong Size, long Bytes) _bookkeeping;

    /// <summary>The smallest block for a quantum, which may be a recording's own and no power of two.</summary>
    public static ulong SmallestBlock(ulong quantum) => quantum > 1UL << 63 ? 1UL << 63 : BitOperations.RoundUpToPowerOf2(quantum);

    /// <param name="quantum">What sizes are rounded to.</param>
    /// <param name="limit">The size of the range; null: as large as it must be.</param>
    public BuddyTarget(ulong quantum, ulong? limit)
    {
        quantum = SmallestBlock(quantum);
        _quantum = quantum;
        limit = limit is { } most ? Math.Max(most, quantum) : null;          // a quantum that was rounded up may be above it
        _limit = limit;
        _firstShift = Math.Min(BitOperations.Log2(quantum) + FirstOrder, BitOperations.Log2(ArenaTarget.UnlimitedSpan));
        _lastShift = Math.Min(BitOperations.Log2(quantum) + LastOrder, BitOperations.Log2(ArenaTarget.UnlimitedSpan));
        Grow(limit ?? 1UL << _firstShift);
    }

    public string Name => AllocatorNames.NameOf(Allocator);

    public AllocatorKind Allocator => AllocatorKind.Buddy;

    public ulong RoundUp(ulong requested) => requested > ArenaTarget.UnlimitedSpan
        ? ulong.MaxValue
        : BitOperations.RoundUpToPowerOf2(Math.Max(requested, _quantum));

    public bool TryAllocate(ulong size, out ulong offset)
    {
        offset = 0;
        foreach (BuddyAllocator<ulong> part in _parts)
        {
            if (part.TryAllocate(size, out offset))
            {
                _range = Math.Max(_range, offset + size);
                return true;
            }
        }

        return _limit is null && TryGrow(size) && TryAllocate(size, out offset);
    }

    public void Free(ulong offset, ulong size) => PartOf(offset).Free(offset);

    public TargetFigures GetFigures()
    {
        ulong inUse = 0;
        foreach (BuddyAllocator<ulong> part in _parts)
        {
            inUse += part.GetStatistics().InUse;
        }

        return new TargetFigures(inUse, FindHighestEnd() - inUse, GetBookkeepingBytes());
    }

    public void Dispose()
    {
        // There is nothing outside the managed heap.
    }

    private BuddyAllocator<ulong> PartOf(ulong offset) =>
        _parts[_limit is not null || offset >> _firstShift == 0 ? 0 : BitOperations.Log2(offset >> _firstShift) + 1];

    private bool TryGrow(ulong size)
    {
        if (_end >> _lastShift > 0 || size > 1UL << (_lastShift - 1))
        {
            return false;
        }

        do
        {
            Grow(_end);
        }
        while (_parts[^1].Size < size);

        return true;
    }

    private void Grow(ulong size)
    {
        _parts.Add(new BuddyAllocator<ulong>(
            _end,
            size,
            _quantum,
            1UL << BitOperations.Log2(size),
            new BuddyAllocatorOptions { SingleThreaded = true }));
        _end += size;
    }

    /// <summary>From the top down: free blocks in a row become smaller with each, so that there are as many as there are sizes at
    /// most.</summary>
    private ulong FindHighestEnd()
    {
        ulong end = _limit is null ? _end : _parts[0].Size & ~(_quantum - 1);
        while (end > 0 && PartOf(end - 1).TryGetFragment(end - 1, out BuddyFragment<ulong> last) && !last.IsAllocated)
        {
            end = last.Start;
        }

        return end;
    }

    private long GetBookkeepingBytes()
    {
        ulong size = _limit ?? BitOperations.RoundUpToPowerOf2(Math.Max(_range, _quantum));
        if (size != _bookkeeping.Size)
        {
            var alike = new BuddyAllocator<ulong>(0, size, _quantum, 1UL << BitOperations.Log2(size));
            _bookkeeping = (size, alike.GetStatistics().BookkeepingBytes);
        }

        return _bookkeeping.Bytes;
    }
}
