using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;

namespace Vmem.Tool.Tests.Replay;

/// <summary>
/// The naive allocator that the arena is compared with: a list of free segments in address order, walked from end to end. Instant fit is
/// not modelled (its choice is the implementation's own); best, first and last fit are determined by their definitions.
/// </summary>
internal sealed class ModelTarget : IReplayTarget
{
    private readonly List<(ulong Start, ulong Size)> _free = [];
    private readonly FitPolicy _policy;
    private readonly ulong _quantum;
    private readonly ulong _span;
    private ulong _inUse;

    public ModelTarget(FitPolicy policy, ulong quantum, ulong span)
    {
        _policy = policy;
        _quantum = quantum;
        _span = span;
        _free.Add((0, span));
    }

    public string Name => PolicyNames.NameOf(_policy);

    public AllocatorKind Allocator => AllocatorKind.Arena;

    public ulong RoundUp(ulong requested) =>
        requested > _span ? ulong.MaxValue : (Math.Max(requested, 1) + _quantum - 1) / _quantum * _quantum;

    public bool TryAllocate(ulong size, out ulong offset)
    {
        offset = 0;
        int chosen = _policy switch
        {
            FitPolicy.FirstFit => _free.FindIndex(segment => segment.Size >= size),
            FitPolicy.LastFit => _free.FindLastIndex(segment => segment.Size >= size),
            FitPolicy.BestFit => BestFit(size),
            _ => throw new NotSupportedException(),
        };
        if (chosen < 0)
        {
            return false;
        }

        (ulong start, ulong room) = _free[chosen];
        bool atEnd = _policy == FitPolicy.LastFit;
        ulong place = atEnd ? start + room - size : start;
        _free[chosen] = atEnd ? (start, room - size) : (start + size, room - size);
        if (room == size)
        {
            _free.RemoveAt(chosen);
        }

        _inUse += size;
        offset = atEnd ? _span - place - size : place;
        return true;
    }

    public void Free(ulong offset, ulong size)
    {
        ulong start = _policy == FitPolicy.LastFit ? _span - offset - size : offset;
        int next = _free.FindIndex(segment => segment.Start > start);
        next = next < 0 ? _free.Count : next;
        _free.Insert(next, (start, size));
        Coalesce(next);
        Coalesce(next - 1);
        _inUse -= size;
    }

    public TargetFigures GetFigures()
    {
        ulong free = 0;
        ulong largest = 0;
        foreach ((_, ulong segment) in _free)
        {
            free += segment;
            largest = Math.Max(largest, segment);
        }

        return new TargetFigures(_inUse, free - largest, 0);
    }

    public void Dispose()
    {
    }

    private int BestFit(ulong size)
    {
        int best = -1;
        for (int index = 0; index < _free.Count; index++)
        {
            if (_free[index].Size >= size && (best < 0 || _free[index].Size < _free[best].Size))
            {
                best = index;
            }
        }

        return best;
    }

    private void Coalesce(int index)
    {
        if (index >= 0 && index + 1 < _free.Count && _free[index].Start + _free[index].Size == _free[index + 1].Start)
        {
            _free[index] = (_free[index].Start, _free[index].Size + _free[index + 1].Size);
            _free.RemoveAt(index + 1);
        }
    }
}
