using Vmem.Checks;
using Vmem.Leasing.Arenas;
using Vmem.Leasing.Sessions;

namespace Vmem.Leasing;

// What a session with a name inherits.
public sealed partial class LeasedArena<T>
{
    private readonly Gate _inheritedLock = new();
    private readonly List<LeasedSpan<T>> _inherited = [];
    private bool _isRestored;

    /// <summary>The spans that the last session of the name left, under their new fences. Nothing of them is handed out before
    /// <see cref="Restore"/>. Empty if the session has no name.</summary>
    public IReadOnlyList<LeasedRange<T>> Inherited { get; private set; } = [];

    /// <summary>Says what of the inherited spans lives: what of the ranges that were handed out before is still in use. All else of them is
    /// handed out again from now on.</summary>
    /// <param name="live">The ranges, as they were allocated; their fences are not looked at. Each lies in one inherited span, and no two
    /// overlap.</param>
    /// <returns>The same ranges under their new fences, to be freed like any; without those of spans that were lost meanwhile, which
    /// <see cref="RangeLost"/> tells of.</returns>
    /// <exception cref="ArgumentException">A range lies in no inherited span, overlaps another, or is not of whole quanta. Nothing was
    /// changed.</exception>
    /// <exception cref="InvalidOperationException">It was called before; or the spans are more than <see cref="ArenaOptions{T}.Limit"/> has
    /// room for, and nothing was changed.</exception>
    public IReadOnlyList<LeasedRange<T>> Restore(IEnumerable<LeasedRange<T>> live)
    {
        ArgumentNullException.ThrowIfNull(live);
        ObjectDisposedException.ThrowIf(IsClosed, this);
        List<LeasedRange<T>>[] bySpan = Sort(live.OrderBy(static range => range.Start));
        CallMark call = CallMark.Begin();
        try
        {
            return RestoreSpans(bySpan);
        }
        finally
        {
            call.End();
        }
    }

    private List<LeasedRange<T>> RestoreSpans(List<LeasedRange<T>>[] bySpan)
    {
        LeasedSpan<T>[] spans = BeginRestore();
        List<LeasedRange<T>> restored = [];
        try
        {
            for (int i = 0; i < spans.Length; i++)
            {
                if (TryRestoreSpan(spans[i], bySpan[i]))
                {
                    restored.AddRange(bySpan[i]);
                }

                ForgetInherited(spans[i]);                     // those after a failure are kept for the next of the name
            }
        }
        finally
        {
            _stock.Expect(0);                                  // none will come any more
            _stock.Notify();
        }

        return restored;
    }

    /// <summary>Throws if the arena's limit has no room for what was inherited, beside what it has.</summary>
    private void CheckRoom()
    {
        T room = _stock.Room;
        foreach (LeasedSpan<T> span in _inherited)
        {
            if (span.Size > room)
            {
                throw new InvalidOperationException($"What was inherited of arena '{Name}' is more than ArenaOptions.Limit has room for: open the arena with a larger limit. Nothing was restored.");
            }

            room -= span.Size;
        }
    }

    /// <summary>The inherited spans, in order of address. They are given out once.</summary>
    private LeasedSpan<T>[] BeginRestore()
    {
        using (_inheritedLock.EnterScope())
        {
            if (_isRestored && Inherited.Count > 0)
            {
                throw new InvalidOperationException($"What was inherited of arena '{Name}' has been restored before.");
            }

            CheckRoom();
            _isRestored = true;
            return [.. _inherited];
        }
    }

    private void Inherit()
    {
        foreach (Holding holding in _session.TakeLegacy(_arena.Id, this))
        {
            LeaseClaim claim = holding.Claim;
            LeasedSpan<T> span = new(T.CreateChecked(claim.Start), T.CreateChecked(claim.Size), holding)
            {
                IsUnclean = true,                              // until it is known that nothing lives
            };
            using (_inheritedLock.EnterScope())
            {
                span.IsLost = _lostFences.Contains(span.Fence);              // before it was here: nobody found it then
                _inherited.Add(span);
            }
        }

        _stock.Expect(_inherited.Count);                       // they are the stock, as far as nothing in them lives
        Inherited = [.. _inherited.Select(static span => new LeasedRange<T>(span.Start, span.Size, span.Fence))];
    }

    private List<LeasedRange<T>>[] Sort(IEnumerable<LeasedRange<T>> live)
    {
        var bySpan = new List<LeasedRange<T>>[Inherited.Count];
        for (int i = 0; i < bySpan.Length; i++)
        {
            bySpan[i] = [];
        }

        T end = T.Zero;
        int place = 0;
        foreach (LeasedRange<T> range in live)
        {
            while (place < bySpan.Length && range.Start >= Inherited[place].Start
                && range.Start - Inherited[place].Start >= Inherited[place].Size)
            {
                place++;
            }

            string? fault =
                place == bySpan.Length || range.Start < Inherited[place].Start
                    || Inherited[place].Size - (range.Start - Inherited[place].Start) < range.Size ? "lies in no inherited span" :
                T.IsZero(range.Size) || !T.IsZero(range.Start % Arena.Quantum) || !T.IsZero(range.Size % Arena.Quantum) ? $"is not of whole quanta of {Arena.Quantum}" :
                range.Start < end ? "overlaps another" : null;
            if (fault is not null)
            {
                throw new ArgumentException($"The range of {range.Size} at {range.Start} {fault} of arena '{Name}'. Nothing was restored.", nameof(live));
            }

            end = range.Start + range.Size;
            bySpan[place].Add(range with { Fence = Inherited[place].Fence });
        }

        return bySpan;
    }

    /// <summary>The span is imported and allocated whole, so nobody gets anything of it meanwhile; then what does not live is
    /// freed. False if it was lost.</summary>
    private bool TryRestoreSpan(LeasedSpan<T> span, List<LeasedRange<T>> live)
    {
        T start = span.Start;
        T rest = span.Size;
        if (span.IsLost)
        {
            return false;
        }

        // What was freed before, in a span where something lives, may still be in use elsewhere: nobody knows. What died with the former
        // process is free at once, named or not.
        span.IsUnclean = live.Count > 0;
        _stock.Reserve(span);
        try
        {
            if (!Arena.TryAllocateAt(start, rest))
            {
                throw new InvalidOperationException($"The inherited span of {rest} at {start} could not be restored: a part of it is taken.");
            }
        }
        finally
        {
            _stock.Reserve(null);                              // what was not restored is nobody's to import
        }

        // Before the arena had it, the loss found it only among what was inherited; after that, in the stock.
        if (span.IsLost)
        {
            if (_stock.Lose(span.Fence) is not null)
            {
                _ = _revoker.TakeBack(Arena, span, _journal);
            }

            return false;
        }

        try
        {
            FreeAllBut(live, start, rest);
            return true;
        }
        catch (InvalidFreeException) when (span.IsLost)
        {
            return false;
        }
    }

    private void FreeAllBut(List<LeasedRange<T>> live, T start, T rest)
    {
        foreach (LeasedRange<T> range in live)
        {
            rest -= FreeUpTo(range.Start, ref start, rest);
            if (range.Size < rest)
            {
                Arena.Split(start, rest, start + range.Size);
            }

            start += range.Size;
            rest -= range.Size;
        }

        if (!T.IsZero(rest))
        {
            Arena.Free(start, rest);
        }
    }

    /// <summary>Notes that an inherited span is lost. False if it is none.</summary>
    private bool TryLoseInherited(Holding holding)
    {
        using (_inheritedLock.EnterScope())
        {
            LeasedSpan<T>? lost = _inherited.Find(span => span.Holding == holding);
            if (lost is not null)
            {
                lost.IsLost = true;
            }

            return lost is not null;
        }
    }

    private void ForgetInherited(LeasedSpan<T> span)
    {
        using (_inheritedLock.EnterScope())
        {
            _inherited.Remove(span);
        }
    }

    private T FreeUpTo(T end, ref T start, T rest)
    {
        T gap = end - start;
        if (!T.IsZero(gap))
        {
            Arena.Split(start, rest, end);
            Arena.Free(start, gap);
            start = end;
        }

        return gap;
    }

    /// <summary>At the end: the spans that go to the next session of the name, as something in them is still allocated.</summary>
    private HashSet<LeasedSpan<T>> TakeKept()
    {
        if (_session.Options.Name is null)
        {
            return [];
        }

        HashSet<LeasedSpan<T>> kept = [.. Arena.GetSegments().Where(static segment => segment.Kind == SegmentKind.Allocated)
            .Select(segment => _stock.Find(segment.Start)).OfType<LeasedSpan<T>>()];
        using (_inheritedLock.EnterScope())
        {
            kept.UnionWith(_inherited.Where(static span => !span.IsLost && span.Holding.Return is null));
            _inherited.Clear();
            _isRestored = true;
        }

        return kept;
    }
}
