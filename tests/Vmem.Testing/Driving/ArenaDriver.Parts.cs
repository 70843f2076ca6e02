using Vmem.Testing.Generation;
using Vmem.Testing.Model;

namespace Vmem.Testing.Driving;

public sealed partial class ArenaDriver
{
    private void ExecuteOnParts(in ArenaStep step, int value)
    {
        if (step.Kind == StepKind.FreeHandles)
        {
            FreeHandles(step);
            return;
        }

        if (step.Kind is StepKind.JoinSpan or StepKind.GrowSpan || _model.LiveCount == 0)
        {
            return;
        }

        ModelAllocation target = _model.LiveAt(step.Target % _model.LiveCount);
        int start = step.Flavor == 7 ? value : target.Start;
        int size = step.Flavor == 6 ? step.Size : target.Size;
        int quantum = _model.Quantum;
        int inside = target.Start + (quantum * (step.Count % Math.Max(1, target.Size / quantum)));
        if (step.Kind != StepKind.FreeStart && (_model.IsBadSize(size) || start + _model.RoundUp(size) > _model.Top))
        {
            return;
        }

        switch (step.Kind)
        {
            case StepKind.Split:
                Split(start, size, step.Flavor == 5 ? step.Value : inside);
                break;
            case StepKind.FreePart:
                int rest = Math.Max(1, target.Start + target.Size - inside);
                FreePart(start, size, step.Flavor == 5 ? step.Value : inside, step.Flavor == 4 ? step.Size : 1 + (step.Value % rest));
                break;
            case StepKind.Move:
                Move(start, size, step.Flavor < 4 ? Math.Clamp(target.Start + ((step.Count - 4) * quantum), 0, _model.Top - 1) : value);
                break;
            case StepKind.FreeStart:
                FreeStart(step.Flavor < 4 ? target.Start : step.Value);
                break;
        }
    }

    private void Split(int start, int size, int at)
    {
        bool isBad = at % _model.Quantum != 0 || at <= start || at >= start + _model.RoundUp(size);
        Outcome expected = isBad ? Outcome.BadArgument : _model.JudgeFree(start, size);
        Agree($"Split({start}, {size}, {at})", expected, Reasoned(_arena.Split(start, size, at), expected));
        if (expected.Kind == OutcomeKind.Done)
        {
            _model.Split(start, at);
            _state.Allocations++;
        }
    }

    private void FreePart(int start, int size, int partStart, int partSize)
    {
        bool isBad = _model.IsBadSize(partSize) || partStart % _model.Quantum != 0 || partStart < start
            || partStart + _model.RoundUp(partSize) > start + _model.RoundUp(size);
        Outcome expected = isBad ? Outcome.BadArgument : _model.JudgeFree(start, size);
        Agree($"FreePart({start}, {size}, {partStart}, {partSize})", expected, Reasoned(_arena.FreePart(start, size, partStart, partSize), expected));
        if (expected.Kind != OutcomeKind.Done)
        {
            return;
        }

        int end = partStart + _model.RoundUp(partSize);
        if (end < start + _model.RoundUp(size))
        {
            _model.Split(start, end);
            _state.Allocations++;
        }

        if (partStart > start)
        {
            _model.Split(start, partStart);
            _state.Allocations++;
        }

        FollowFree(partStart);
    }

    private void Move(int start, int size, int newStart)
    {
        bool isBad = newStart % _model.Quantum != 0 || newStart + _model.RoundUp(size) > _model.Top;
        Outcome expected = isBad ? Outcome.BadArgument : _model.JudgeFree(start, size);
        if (expected.Kind == OutcomeKind.Done)
        {
            ModelAllocation before = _model.Vacate(start);
            bool isFree = newStart == start || _model.IsValidPlace(newStart, size, default);
            _model.Occupy(isFree ? newStart : start, size, FitPolicy.FirstFit, isFree && newStart != start ? -1 : before.Handle);
            if (isFree && newStart != start && before.Handle >= 0)
            {
                _isHandleLive[before.Handle] = false;
            }

            expected = Outcome.When(isFree);
        }

        Agree($"TryMove({start}, {size}, {newStart})", expected, Reasoned(_arena.Move(start, size, newStart), expected));
    }

    private void FreeStart(int start)
    {
        Agree($"IsAllocated({start})", _model.HasRangeAt(start), _arena.IsAllocated(start));
        Outcome expected = _model.HasRangeAt(start) ? Outcome.Done() : _model.JudgeFree(start, 1);
        if (_cacheMax > 0 && expected.Kind != OutcomeKind.Done)
        {
            return;                               // it may lie in a magazine
        }

        Agree($"Free({start})", expected, _arena.FreeStart(start));
        if (expected.Kind == OutcomeKind.Done)
        {
            FollowFree(start);
        }
    }

    private void FreeHandles(in ArenaStep step)
    {
        List<int> ordinals = [.. Enumerable.Range(0, _isHandleLive.Count).Where(ordinal => _isHandleLive[ordinal]).Take(step.Count)];
        bool right = step.Flavor < 5 || ordinals.Count == 0;
        if (!right)
        {
            ordinals.Add(step.Flavor == 5 ? -1 : step.Flavor == 6 ? ordinals[0] : Math.Max(0, _isHandleLive.IndexOf(false)));
            right = step.Flavor == 7 && _isHandleLive[ordinals[^1]] && !ordinals[..^1].Contains(ordinals[^1]);
        }

        Agree($"FreeMany({string.Join(' ', ordinals)})", right ? OutcomeKind.Done : OutcomeKind.BadFree, _arena.FreeHandles(ordinals).Kind);
        foreach (int ordinal in right ? ordinals : [])
        {
            FollowFree(_model.StartOfHandle(ordinal));
        }
    }
}
