using System.Runtime.ExceptionServices;
using Vmem.Checks;
using Vmem.Diagnostics;

namespace Vmem.Memory.Heap.Debugging;

// What is live, what was overwritten, and the end.
internal sealed partial class HeapDebugger
{
    /// <summary>How many leaked blocks are named. Arbitrary, and the same as an arena's.</summary>
    private const int NamedLeaks = 16;

    /// <summary>The plain heap's figures, as the users of this one see them; false if it has ended.</summary>
    /// <remarks>One after the other: an allocation holds this lock when it trims the plain heap.</remarks>
    public bool TryCount(out NativeHeapStatistics figures)
    {
        bool isThere = _heap.TryCount(out figures);
        using (_gate.EnterScope())
        {
            figures = figures with
            {
                InUse = _liveBytes,
                LiveBlocks = _live.Count,
                LargeBlocks = _largeBlocks,
                Quarantined = _quarantine.Bytes,
                Allocations = _allocations,
            };
            return isThere && !_ended;
        }
    }

    /// <summary>Every red zone and every block in quarantine. O(live blocks + bytes in quarantine).</summary>
    /// <exception cref="InvariantViolationException">One was written, or a figure is wrong.</exception>
    public void Validate()
    {
        _heap.Validate();
        using (_gate.EnterScope())
        {
            ThrowIfEnded();
            nuint bytes = 0;
            foreach ((nuint start, DebugBlock block) in _live)
            {
                bytes += block.Size;
                Invariant.Hold(block.Start == start && block.Start >= block.Padded && block.End <= block.TouchableEnd, "a block lies in its padded block", $"not the {Name(block)}");
                Invariant.Hold(_heap.SizeAt(block.Padded, out _) == block.PaddedSize, "the heap below knows each padded block", $"not that of the {Name(block)}");
            }

            Invariant.Hold(bytes == _liveBytes, "the bytes of live blocks are counted", $"{bytes} are live, {_liveBytes} are counted");
            List<HeapDamage> damages = FindDamages();
            if (damages.Count > 0)
            {
                string others = damages.Count == 1 ? "" : $"\n{damages.Count - 1} more blocks were written where they should not be.";
                throw new InvariantViolationException("a heap's memory is written only where a block is live", damages[0].Text + others);
            }
        }
    }

    public AuditReport<nuint> Report()
    {
        if (_stacks is null)
        {
            throw new InvalidOperationException($"Heap '{_heap.Name}' keeps no owners. Set {nameof(HeapDebugging)}.{nameof(HeapDebugging.Owners)} when it is made.");
        }

        using (_gate.EnterScope())
        {
            ThrowIfEnded();
            return TakeCensus();
        }
    }

    /// <summary>Looks for leaks and damage, and gives everything back. The result reports what was found.</summary>
    public Action? End(bool reports)
    {
        try
        {
            return Close(reports);
        }
        finally
        {
            _ = _heap.End(reports);
            _padded.End();
        }
    }

    /// <summary>The process ends, and the heap has not: tells what its end would tell. Other threads may yet call it.</summary>
    public void ReportAtExit()
    {
        Action report;
        using (_gate.EnterScope())
        {
            if (_ended)
            {
                return;
            }

            report = Find();
        }

        report();
    }

    /// <summary>No call is served any more.</summary>
    private Action? Close(bool reports)
    {
        DebuggedHeaps.Remove(this);
        using (_gate.EnterScope())
        {
            _ended = true;
            return reports ? Find() : null;
        }
    }

    /// <summary>Looks for leaks and damage. The result reports what was found. The gate is held.</summary>
    private Action Find()
    {
        (Action<HeapLeak>? leaked, Action<HeapDamage>? damaged) = (_listeners.Leaked, _listeners.Damaged);
        List<HeapDamage> damages = damaged is null ? [] : FindDamages();
        HeapLeak? leak = _live.Count == 0 || leaked is null ? null : new HeapLeak(
            _heap.Name,
            _live.Count,
            _liveBytes,
            [.. _live.Keys.Order().Take(NamedLeaks).Select(start => new Segment<nuint>(start, _live[start].Size, SegmentKind.Allocated))])
        {
            Report = _stacks is null ? null : TakeCensus(),
        };
        List<Action> callbacks = [.. damages.Select(damage => (Action)(() => damaged!(damage)))];
        if (leak is not null)
        {
            callbacks.Add(() => leaked!(leak));
        }

        return () => CallAll(callbacks);
    }

    /// <summary>All are called, whatever one of them throws; the first exception is thrown at the end.</summary>
    private static void CallAll(List<Action> callbacks)
    {
        ExceptionDispatchInfo? failure = null;
        foreach (Action callback in callbacks)
        {
            try
            {
                callback();
            }
            catch (Exception e)
            {
                failure ??= ExceptionDispatchInfo.Capture(e);
            }
        }

        failure?.Throw();
    }

    private List<HeapDamage> FindDamages()
    {
        List<HeapDamage> damages = [];
        foreach (DebugBlock block in _live.Values)
        {
            if (_padded.TryFindBroken(block, out nuint at))
            {
                damages.Add(Describe(block, at));
            }
        }

        foreach (DebugBlock block in _quarantine.Held)
        {
            if (TryFindWritten(block, out HeapDamage? damage))
            {
                damages.Add(damage);
            }
        }

        return damages;
    }

    private AuditReport<nuint> TakeCensus()
    {
        var census = new AuditCensus<nuint>();
        foreach (DebugBlock block in _live.Values)
        {
            census.Add(block.Start, block.Size, block.Owner!);
        }

        return census.ToReport(_heap.Name, _time.GetUtcNow(), "heap");
    }
}
