using Vmem.Caching;
using Vmem.Checks;
using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

/// <summary>What lay below heaps that were disposed of, without memory or blocks, for the next heaps with the same options.</summary>
/// <remarks>
/// <para>
/// To make the tables of a heap takes several times as long as to use it once, and makes some 10 KB of garbage. A server has a heap for
/// each request. So the tables of a few small heaps are kept. Their pages are not: those go to the window, for whoever comes next.
/// </para>
/// <para>
/// Only for a heap that was disposed of, with no call under way (<see cref="SlowCalls"/>). One that was dropped, or is still in use, takes
/// its tables with it. What nobody needed for an interval goes, and all of it when memory is short.
/// </para>
/// </remarks>
internal sealed class SpareHeaps : IUpkeepTarget
{
    /// <summary>As many requests as may end at a time in a small server. Some 6 KB each: arbitrary.</summary>
    private const int Most = 32;

    private readonly Gate _gate = new();
    private readonly List<PlainHeap> _heaps = new(Most);         // the one that came last at the end
    private WorkingSet _needed;
    private Upkeep? _upkeep;

    /// <summary>Those of the process.</summary>
    public static SpareHeaps Shared { get; } = new();

    /// <summary>A heap as new; null if there is none of this window with these options.</summary>
    public PlainHeap? Take(AddressWindow window, NativeHeapOptions options)
    {
        using Gate.Scope held = _gate.EnterScope();
        for (int place = _heaps.Count; place-- > 0;)
        {
            PlainHeap heap = _heaps[place];
            if (heap.Suits(window, options))
            {
                _heaps.RemoveAt(place);
                _needed.Note(_heaps.Count);
                heap.Restart();
                return heap;
            }
        }

        return null;
    }

    /// <summary>Keeps a heap that was reset. False if there are enough.</summary>
    public bool TryKeep(PlainHeap heap)
    {
        using Gate.Scope held = _gate.EnterScope();
        if (_heaps.Count == Most)
        {
            return false;
        }

        _upkeep ??= Upkeep.Start(this, TimeProvider.System);
        if (_heaps.Count == 0)
        {
            _upkeep.Wake();
        }

        _heaps.Add(heap);
        return true;
    }

    bool IUpkeepTarget.EndInterval()
    {
        int surplus;
        using (_gate.EnterScope())
        {
            surplus = _needed.Reapable;
            _needed.Tick(_heaps.Count - surplus);
        }

        End(surplus);
        using (_gate.EnterScope())
        {
            return _heaps.Count > 0;              // one that came meanwhile found others here, and woke nobody
        }
    }

    void IUpkeepTarget.RelievePressure() => End(Most);

    /// <summary>Disposes of those that have lain longest.</summary>
    private void End(int count)
    {
        for (; count > 0; count--)
        {
            PlainHeap heap;
            using (_gate.EnterScope())
            {
                if (_heaps.Count == 0)
                {
                    return;
                }

                heap = _heaps[0];
                _heaps.RemoveAt(0);
                _needed.Note(_heaps.Count);
            }

            heap.Stop();
            heap.Dispose();
        }
    }
}
