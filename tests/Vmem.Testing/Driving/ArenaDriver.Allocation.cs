using Vmem.Testing.Generation;
using Vmem.Testing.Model;

namespace Vmem.Testing.Driving;

public sealed partial class ArenaDriver
{
    /// <summary>Compares an allocation's outcome with the model and lets the model follow.</summary>
    private void Settle(in ArenaStep step, in ModelConstraints constraints, int handle, Outcome actual)
    {
        FitPolicy policy = PolicyOf(step);
        Outcome expected = FindPlace(step.Size, constraints, policy);
        bool isFreeToChoose = _cacheMax > 0 || _model.IsFreeToChoose(step.Size, constraints, policy);
        if (expected.Kind == OutcomeKind.Done && actual.Kind == OutcomeKind.Done && isFreeToChoose)
        {
            JudgePlace(actual.Value, step.Size, constraints);
        }
        else
        {
            Agree($"{step.Kind} {step.Size} {policy} {constraints}", expected, actual);
        }

        if (actual.Kind == OutcomeKind.Done)
        {
            _model.Occupy(actual.Value, step.Size, policy, handle, constraints);
            _state.Allocations++;
            if (handle >= 0)
            {
                _isHandleLive.Add(true);
            }
        }
        else if (actual.Kind == OutcomeKind.Refused)
        {
            _state.Failures++;
        }
    }

    private Outcome FindPlace(int size, in ModelConstraints constraints, FitPolicy policy)
    {
        Outcome place = _model.FindPlace(size, constraints, policy);
        if (place.Kind == OutcomeKind.Refused)
        {
            _model.CutShort(size, constraints);
            place = _model.FindPlace(size, constraints, policy);
        }

        return place;
    }

    private void AllocateMany(in ArenaStep step)
    {
        Span<int> starts = stackalloc int[step.Count];
        bool all = step.Flavor % 2 == 1;
        Outcome actual = _arena.AllocateMany(step.Size, starts, all);
        if (_model.IsBadSize(step.Size))
        {
            Agree("TryAllocateMany", Outcome.BadArgument, actual);
            return;
        }

        bool isFreeToChoose = _cacheMax > 0 || _model.IsFreeToChoose(step.Size, default, _model.Policy);
        if (all && _cacheMax == 0 && (!isFreeToChoose || _model.Policy == FitPolicy.InstantFit))
        {
            Agree("TryAllocateMany of all", _model.HasRoomForAll(step.Size, starts.Length) ? starts.Length : 0, actual.Value);
        }

        for (int i = 0; i < actual.Value; i++)
        {
            if (isFreeToChoose)
            {
                _ = FindPlace(step.Size, default, _model.Policy);
                JudgePlace(starts[i], step.Size, default);
            }
            else
            {
                Agree($"TryAllocateMany [{i}]", FindPlace(step.Size, default, _model.Policy), Outcome.Done(starts[i]));
            }

            _model.Occupy(starts[i], step.Size, _model.Policy);
        }

        if (all && isFreeToChoose)
        {
            _model.SetFreedOrder(_arena.FreedOrder());             // what was taken and given back may be older or younger now
        }

        _state.Allocations += actual.Value;
        if (all)
        {
            _state.AllowPairs();                  // what counts of a try that was taken back is not laid down; caches make several
        }

        if (actual.Value < starts.Length)
        {
            if (!all)
            {
                _model.CutShort(step.Size, default);
            }

            // Whether a batch that was cut short counts as a failure is not laid down.
            if (all)
            {
                Agree("TryAllocateMany of all", 0, actual.Value);
            }
            else
            {
                Agree("the place after TryAllocateMany", Outcome.Refused, _model.FindPlace(step.Size, default, FitPolicy.FirstFit));
            }

            _state.AllowOneMoreFailure();
        }
    }

    private void AllocatePieces(in ArenaStep step)
    {
        int least = step.Value % (4 * _model.Quantum);
        Span<ModelSegment> pieces = stackalloc ModelSegment[step.Count];
        Outcome actual = _arena.AllocatePieces(step.Size, least, pieces);
        if (_model.IsBadSize(step.Size) || _model.RoundUp(least) > _model.RoundUp(step.Size))
        {
            Agree("TryAllocatePieces", Outcome.BadArgument, actual);
            return;
        }

        List<int> sizes = _model.DividePieces(step.Size, least, step.Count);
        Agree($"TryAllocatePieces({step.Size}, {step.Count}, {least})", sizes.Count > 0 ? Outcome.Done(sizes.Count) : Outcome.Refused, actual);
        for (int i = 0; i < sizes.Count; i++)
        {
            Agree($"piece {i}", sizes[i], pieces[i].Size);
            JudgePlace(pieces[i].Start, pieces[i].Size, default);
            _model.Occupy(pieces[i].Start, pieces[i].Size, FitPolicy.BestFit);
        }

        _state.Allocations += sizes.Count;
        _state.Failures += sizes.Count == 0 ? 1 : 0;
    }

    private void JudgePlace(int start, int size, in ModelConstraints constraints)
    {
        if (!_model.IsValidPlace(start, size, constraints))
        {
            throw new DivergenceException($"A policy that may choose put {size} with {constraints} at {start}, which is no valid place.");
        }
    }

    private void Free(in ArenaStep step)
    {
        if (_model.LiveCount > 0)
        {
            ModelAllocation target = _model.LiveAt(step.Target % _model.LiveCount);
            FreeAs(target.Start, Math.Max(1, target.Size - (step.Flavor * (_model.Quantum - 1) / 8)), step.Flavor);
        }
    }

    private void FreeWrong(in ArenaStep step)
    {
        ModelAllocation target = _model.LiveCount == 0 ? default : _model.LiveAt(step.Target % _model.LiveCount);
        switch (step.Flavor)
        {
            case 0 or 1:
                FreeAs(target.Start, step.Size, step.Flavor);
                break;
            case 2:
                FreeAs(Math.Min(target.Start + 1 + (step.Value % Math.Max(1, target.Size)), _model.Top - 1), step.Size, step.Flavor);
                break;
            case 3:
                FreeAs(target.Start, 0, step.Flavor);
                break;
            default:
                FreeAs(step.Value, step.Size, step.Flavor);
                break;
        }
    }

    private void FreeAs(int start, int size, int flavor)
    {
        Outcome expected = _model.JudgeFree(start, size);
        if (IsCached(size) && (expected.Kind != OutcomeKind.Done || _model.HandleAt(start) >= 0))
        {
            return;
        }

        Agree($"Free({start}, {size})", expected, Reasoned(_arena.Free(start, size, _cacheMax > 0 ? 0 : flavor), expected));
        if (expected.Kind == OutcomeKind.Done)
        {
            FollowFree(start);
        }
    }

    private bool IsCached(int size) =>
        !_model.IsBadSize(size) && _model.RoundUp(size) <= _model.RoundUp(Math.Max(_cacheMax, 1)) && _cacheMax > 0;

    /// <summary>With caches a wrong free is refused for the same cause or another.</summary>
    private Outcome Reasoned(Outcome actual, Outcome expected) =>
        _cacheMax > 0 && actual.Kind == OutcomeKind.BadFree ? actual with { Reason = expected.Reason } : actual;

    private void FollowFree(int start)
    {
        ModelAllocation freed = _model.Release(start);
        _state.Frees++;
        if (freed.Handle >= 0)
        {
            _isHandleLive[freed.Handle] = false;
        }
    }

    private void FreeHandle(in ArenaStep step)
    {
        if (step.Flavor == 7 || _isHandleLive.Count == 0)
        {
            Agree("Free(default)", Outcome.BadFree(InvalidFreeReason.NotAllocated), _arena.FreeHandle(-1));
            return;
        }

        int ordinal = _isHandleLive.Count - 1 - (step.Target % Math.Min(_isHandleLive.Count, 40));
        bool live = _isHandleLive[ordinal];
        Agree($"Free(handle {ordinal})", live ? Outcome.Done() : Outcome.BadFree(InvalidFreeReason.AlreadyFree), _arena.FreeHandle(ordinal));
        if (live)
        {
            FollowFree(_model.StartOfHandle(ordinal));
        }
    }

    private void FreeMany(in ArenaStep step)
    {
        if (_model.LiveCount == 0)
        {
            Agree("FreeMany of none", Outcome.Done(), _arena.FreeMany([], _model.Quantum));
            return;
        }

        int first = step.Target % _model.LiveCount;
        int size = _model.LiveAt(first).Size;
        List<int> starts = [];
        for (int i = 0; i < _model.LiveCount && starts.Count < step.Count; i++)
        {
            ModelAllocation candidate = _model.LiveAt((first + i) % _model.LiveCount);
            if (candidate.Size == size)
            {
                starts.Add(candidate.Start);
            }
        }

        if (step.Kind == StepKind.FreeManyWrong)
        {
            starts.Add(step.Flavor % 2 == 0 ? starts[0] : step.Value);
        }

        // A batch takes no ranges that belong to handles.
        bool right = starts.Distinct().Count() == starts.Count
            && starts.TrueForAll(start => _model.JudgeFree(start, size).Kind == OutcomeKind.Done && _model.HandleAt(start) < 0);
        if (IsCached(size) && !right)
        {
            return;
        }

        Agree("FreeMany", right ? OutcomeKind.Done : OutcomeKind.BadFree, _arena.FreeMany(starts.ToArray(), size).Kind);
        if (right)
        {
            starts.ForEach(FollowFree);
            if (_arena.FreesInParts)
            {
                _model.SetFreedOrder(_arena.FreedOrder());
            }
        }
    }

    private void Extend(in ArenaStep step)
    {
        if (_model.LiveCount == 0)
        {
            return;
        }

        ModelAllocation target = _model.LiveAt(step.Target % _model.LiveCount);
        int start = step.Flavor == 7 ? step.Value : target.Start;
        int oldSize = step.Flavor == 6 ? step.Size : target.Size;
        int newSize = step.Flavor < 4 ? Math.Min(target.Size + (step.Count - 3) * _model.Quantum, _model.Top - 1) : step.Size;
        newSize = Math.Max(newSize, 0);
        if (_model.IsBadSize(oldSize))
        {
            return;
        }

        Outcome expected = _model.Extend(start, oldSize, newSize);
        Agree($"TryExtend({start}, {oldSize}, {newSize})", expected, Reasoned(_arena.Extend(start, oldSize, newSize), expected));
    }
}
