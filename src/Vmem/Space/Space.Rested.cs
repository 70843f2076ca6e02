using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Resting;

namespace Vmem.Space;

// What has rested becomes free: when its time has come, its fence is completed, or somebody needs it and may have it.
internal sealed partial class Space<T>
{
    /// <summary>How many rests end under one lock: some ten microseconds. Otherwise arbitrary.</summary>
    private const int EndedAtATime = 64;

    /// <summary>How many segments are looked at under one lock to see whether a cut would help: some hundred microseconds. Otherwise
    /// arbitrary.</summary>
    private const int LooksAtRests = 2048;

    /// <summary>How many rests outside the window are passed in the time of a look. Otherwise arbitrary.</summary>
    private const int PassedPerLook = 32;

    /// <summary>Whose rests this thread is ending: a source may lead it from one arena into others.</summary>
    [ThreadStatic]
    private static List<Space<T>>? t_ending;

    /// <summary>Ends every rest for a fence up to this one, oldest first, in steps.</summary>
    public void CompleteFence(ulong fence)
    {
        Rests<T> rests = BeginRests(isTimed: false);
        using (Visit())
        {
            rests.Completed = Math.Max(rests.Completed ?? 0, fence);
        }

        Conclusion end = default;
        _ = EndRests(isFence: true, fence, ref end);
        end.Throw();
    }

    /// <summary>Ends the rests whose time has come, in steps.</summary>
    /// <returns>Whether there were any.</returns>
    /// <remarks>Not again in the middle of that: a source that takes a span back may look at the arena, and would come here once for each
    /// span, ever deeper.</remarks>
    public bool EndDueRests()
    {
        Conclusion end = default;
        bool hasEnded = EndDueRests(ref end);
        end.Throw();
        return hasEnded;
    }

    /// <summary>The same; <paramref name="end"/> takes what others throw.</summary>
    public bool EndDueRests(ref Conclusion end)
    {
        if (_rests is not { Timed.Count: > 0 } rests || t_ending?.Contains(this) == true)
        {
            return false;
        }

        List<Space<T>> ending = t_ending ??= [];
        ending.Add(this);
        try
        {
            return EndRests(isFence: false, rests.Now, ref end);
        }
        finally
        {
            ending.RemoveAt(ending.Count - 1);
        }
    }

    /// <summary>The same for the timer, and for whoever looks at the arena.</summary>
    public void EndDueRestsUnheard()
    {
        try
        {
            _ = EndDueRests();
        }
#pragma warning disable CA1031 // What has rested is free. What the source says to a span that it gets back, there is nobody to tell.
        catch (Exception e) when (e is not InvariantViolationException)
#pragma warning restore CA1031
        {
        }
    }

    /// <summary>Cuts rests short, the oldest first and no more than it takes, for a request that nothing else can meet.</summary>
    /// <param name="request">The request.</param>
    /// <param name="grant">What was taken.</param>
    /// <param name="hasCut">Whether there were any: a span of the source's may have gone back to it.</param>
    public bool TryTakeCutShort(in Request<T> request, out Grant<T> grant, out bool hasCut)
    {
        grant = default;
        hasCut = false;
        bool isFirst = true;
        for (bool isMore = _options.CutRestsShort && _rests is { Timed.Count: > 0 }; isMore && grant.IsEmpty; isFirst = false)
        {
            using (Visit())
            {
                isMore = CouldFit(request.Placement) && !(isFirst && IsInVain(request.Placement))
                    && TryEndSome(isFence: false, ulong.MaxValue, request.Size, ref hasCut);
            }

            _ = TryTake(request, out grant);
        }

        try
        {
            SetRestTimer();
        }
        catch when (!grant.IsEmpty)
        {
            // The caller will not learn of what it got.
            this.Undo(ref grant);
            throw;
        }

        return !grant.IsEmpty;
    }

    /// <summary>Cuts all rests short: somebody waits.</summary>
    /// <returns>Whether there were any.</returns>
    /// <remarks>Whoever serves those who wait calls this. So they are served after the last step: after each, the next step would lie
    /// within that, and the one after it within the next.</remarks>
    public bool CutAllRests(ref Conclusion end)
    {
        if (!_options.CutRestsShort || _rests is not { Timed.Count: > 0 })
        {
            return false;
        }

        Aftermath<T> aftermath = default;
        try
        {
            bool hasCut = false;
            for (bool isMore = true; isMore;)
            {
                using Visit<T> visit = Visit(ref aftermath);
                isMore = TryEndSome(isFence: false, ulong.MaxValue, T.Zero, ref hasCut);
            }
        }
        catch (ObjectDisposedException) when (HasEnded)
        {
            // Those who wait are told so in another place.
        }

        end.Take((Space: this, aftermath), static it => it.Space.Settle(it.aftermath, isOwnRelease: false));
        end.Take(this, static space => space.SetRestTimer());
        return true;
    }

    /// <summary>The last fence that was completed.</summary>
    public ulong? CompletedFence => _rests?.Completed;

    /// <summary>What rests, in the order in which it ends. The lock is held.</summary>
    public List<RestSnapshot<T>> CopyRests(ulong now)
    {
        var rests = new List<RestSnapshot<T>>();
        foreach (RestEntry<T> entry in _rests?.Timed.ToList() ?? [])
        {
            TimeSpan remaining = TimeSpan.FromTicks((long)(Math.Max(entry.Until, now) - now));
            rests.Add(CopyRest(entry.Start, remaining, fence: null));
        }

        foreach (RestEntry<T> entry in _rests?.Fenced.ToList() ?? [])
        {
            rests.Add(CopyRest(entry.Start, TimeSpan.Zero, entry.Until));
        }

        return rests;
    }

    private RestSnapshot<T> CopyRest(T start, TimeSpan remaining, ulong? fence)
    {
        Segment<T> segment = Map.GetSegment(Map.Locate(start));
        return new RestSnapshot<T>(start, segment.Size, remaining, fence) { Tag = segment.Tag, Kind = segment.RangeKind };
    }

    /// <summary>Which time it is, for those who look at rests. Under no lock.</summary>
    public ulong RestNow => _rests?.Now ?? 0;

    /// <summary>Ends rests in steps, between which others come.</summary>
    /// <returns>Whether any has ended.</returns>
    private bool EndRests(bool isFence, ulong upTo, ref Conclusion end)
    {
        bool hasEnded = false;
        for (bool isMore = true; isMore;)
        {
            using Visit<T> visit = Visit(ref end);
            isMore = TryEndSome(isFence, upTo, T.Zero, ref hasEnded);
        }

        end.Take(this, static space => space.SetRestTimer());
        return hasEnded;
    }

    /// <summary>Ends some rests, oldest first. The lock is held.</summary>
    /// <param name="isFence">Which rests.</param>
    /// <param name="upTo">Those that end until then.</param>
    /// <param name="enough">No more than it takes for a free segment of this size; 0: all.</param>
    /// <param name="hasEnded">Set if one has ended.</param>
    /// <returns>Whether there may be more.</returns>
    private bool TryEndSome(bool isFence, ulong upTo, T enough, ref bool hasEnded)
    {
        AssertHeld();
        ref RestQueue<T> queue = ref _rests!.QueueOf(isFence);
        for (int count = 0; count < EndedAtATime; count++)
        {
            if (queue.Count == 0 || queue.First.Until > upTo)
            {
                return false;
            }

            if (!Map.TryFindResting(queue.First.Start, queue.First.Tag, out uint tag))
            {
                return true;
            }

            StepCounter.Count();
            Map.ReserveToFree();
            _rests.RemoveFirst(isFence);
            Map.EndRest(tag);
            uint free = FreeTag(tag);
            hasEnded = true;
            bool isEnough = !T.IsZero(enough) && Map.GetSegment(free) is { Kind: SegmentKind.Free, Size: var size } && size >= enough;
            DetachIfEmpty(free);
            NoteRoom();
            if (isEnough || _aftermath.HasSpans)
            {
                return true;
            }
        }

        return true;
    }

    /// <summary>Whether a request could be met if nothing rested for a time: not at a place of which somebody holds a part. The lock is
    /// held.</summary>
    private bool CouldFit(in Placement<T> placement)
    {
        T size = placement.Size;
        T free = Saturate(Map.FreeSize, Map.FreeSegments);
        T resting = Saturate(Map.Resting, Map.RestingSegments);
        return (Source is not null || (size <= Map.LargestSpan && (free >= size || resting >= size - free)))
            && !(placement.IsOnePlace && Map.IsHeld(placement.Min, placement.Last));
    }

    /// <summary>Whether a request would have no place even if nothing rested for a time. False, too, if that is too much to look at, or
    /// if the source might make something of an import that becomes free. The lock is held.</summary>
    private bool IsInVain(in Placement<T> placement)
    {
        long looks = LooksAtRests;
        long passed = 0;
        if (Source is not null || !Map.TryApproach(placement.Min)
            || (!Map.Drains(placement.Min) && Map.CouldLieWhereItRests(Map.Locate(placement.Min), placement, ref looks)))
        {
            return false;
        }

        for (nint part = 0; _rests!.Timed.TryNext(ref part, out ReadOnlySpan<RestEntry<T>> entries);)
        {
            passed += entries.Length;
            if (passed > PassedPerLook * LooksAtRests)
            {
                return false;
            }

            foreach (ref readonly RestEntry<T> entry in entries)
            {
                if (entry.Start <= placement.Min || entry.Start > placement.Last || Map.Drains(entry.Start))
                {
                    continue;
                }

                if (--looks < 0 || !Map.TryFindResting(entry.Start, entry.Tag, out uint tag)
                    || Map.CouldLieWhereItRests(tag, placement, ref looks))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Every invariant of what rests. The lock is held.</summary>
    public void ValidateRests()
    {
        List<RestEntry<T>> timed = _rests?.Timed.ToList() ?? [];
        List<RestEntry<T>> fenced = _rests?.Fenced.ToList() ?? [];
        Invariant.Hold(timed.Count + fenced.Count == Map.RestingSegments, "what rests is queued", $"{timed.Count} for a time and {fenced.Count} for a fence, of {Map.RestingSegments}");
        foreach (RestEntry<T> entry in timed.Concat(fenced))
        {
            uint tag = Map.Locate(entry.Start);
            bool rests = tag != 0 && Map.GetSegment(tag) is { Kind: SegmentKind.Resting } segment && segment.Start == entry.Start;
            Invariant.Hold(rests, "what is queued rests", $"nothing does at {entry.Start}");
        }
    }
}
