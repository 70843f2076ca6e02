using Vmem.Testing.Generation;
using Vmem.Testing.Model;

namespace Vmem.Testing.Driving;

public sealed partial class ArenaDriver
{
    private void ExecuteOnPlaces(in ArenaStep step)
    {
        // Flavor 0 keeps the arguments as drawn, often misaligned; the others are whole quanta.
        int start = step.Flavor == 0 ? step.Value : step.Value / _model.Quantum * _model.Quantum;
        switch (step.Kind)
        {
            case StepKind.AllocateAt:
                AllocateAt(start, step.Size);
                break;
            case StepKind.AllocateAtMany:
                AllocateAtMany(step, start);
                break;
            case StepKind.Reserve:
                Reserve(start, step.Size, step.Flavor % 2 == 0 ? [] : null);
                break;
            case StepKind.JoinSpan when _model.Spans.Count < MaxSpans:
                JoinSpan(step, start);
                break;
            case StepKind.GrowSpan when _model.Spans.Count > 0:
                GrowSpan(step, start);
                break;
            case StepKind.Drain or StepKind.StopDraining:
                DrainOrStop(step);
                break;
            default:
                ExecuteOnParts(step, start);
                break;
        }
    }

    private void AllocateAt(int start, int size)
    {
        Outcome expected = _model.JudgePlace(start, size);
        if (expected.Kind == OutcomeKind.Refused && !_model.IsHeld(start, size))
        {
            _model.CutShort(size, new ModelConstraints { Min = start, Max = start + _model.RoundUp(size) });
            expected = _model.JudgePlace(start, size);
        }

        Agree($"TryAllocateAt({start}, {size})", expected, _arena.AllocateAt(start, size));
        if (expected.Kind == OutcomeKind.Done)
        {
            Claim((start, size));
        }

        _state.Failures += expected.Kind == OutcomeKind.Refused ? 1 : 0;
    }

    /// <summary>Ranges from the start on, small and with gaps, in one of many orders.</summary>
    private void AllocateAtMany(in ArenaStep step, int start)
    {
        List<(int Start, int Size)> ranges = [];
        int quantum = _model.Quantum;
        for (int i = 0; i < step.Count; i++)
        {
            int size = 1 + ((step.Target >> i) % (2 * quantum));
            ranges.Add((start, size));
            int next = start + _model.RoundUp(size) + (((step.Target >> (i + 3)) & 1) * quantum);
            start = step.Flavor == 1 && i == 3 ? start + quantum : next;
        }

        ranges = step.Flavor < 4 ? ranges : [.. ranges.OrderBy(range => (range.Start * 31) % 7)];
        if (_model.CutsRestsShort || ranges.Exists(range => range.Start >= _model.Top))
        {
            return;                               // which rests a batch cuts short is not laid down
        }

        Outcome expected = _model.JudgePlaces(ranges, out List<(int Start, int Size)> taken);
        Agree($"AllocateAtMany({string.Join(' ', ranges)})", expected, _arena.AllocateAtMany(ranges));
        if (expected.Kind == OutcomeKind.Done)
        {
            taken.ForEach(Claim);
            return;
        }

        _model.SetFreedOrder(_arena.FreedOrder());                 // what was taken and given back counts as freed now
        _state.NotePeak(_model.Saturate(_model.MeasureAmounts().InUse + taken.Sum(range => (long)_model.RoundUp(range.Size))));
        _state.Allocations += taken.Count;
        _state.Frees += taken.Count;
        _state.Failures += expected.Kind == OutcomeKind.Refused ? 1 : 0;
    }

    private void Reserve(int start, int size, List<(int Start, int Size)>? pieces)
    {
        bool isBad = _model.JudgePlace(start, size).Kind == OutcomeKind.BadArgument;
        List<(int Start, int Size)> free = isBad ? [] : _model.FreeOf(start, size);
        Agree($"Reserve({start}, {size})", isBad ? Outcome.BadArgument : Outcome.Done(free.Sum(piece => piece.Size)), _arena.Reserve(start, size, pieces));
        Agree("the pieces", string.Join(' ', free), pieces is null ? string.Join(' ', free) : string.Join(' ', pieces));
        free.ForEach(Claim);
    }

    private void Claim((int Start, int Size) range)
    {
        _model.Occupy(range.Start, range.Size, FitPolicy.FirstFit);
        _state.Allocations++;
    }

    /// <summary>Mostly beside a span that is there, or between two.</summary>
    private void JoinSpan(in ArenaStep step, int start)
    {
        int quantum = _model.Quantum;
        int size = Math.Min(_model.RoundUp(step.Size), MaxAddedQuanta * quantum);
        if (step.Flavor > 1 && _model.Spans.Count > 0)
        {
            int index = step.Target % _model.Spans.Count;
            ModelSegment span = _model.Spans[index];
            ModelSegment next = index + 1 < _model.Spans.Count ? _model.Spans[index + 1]
                : new ModelSegment(_model.Top, 0, SegmentKind.Span);
            start = step.Flavor % 2 == 0 ? span.End : Math.Max(span.Start - size, 0);
            size = step.Flavor % 2 == 0 && next.Start > start && next.Start - start <= size ? next.Start - start : size;
        }

        if (start < _model.Top && size <= _arena.MaxAmount)
        {
            Agree($"AddSpan({start}, {size}, joinNeighbors: true)", _model.JoinSpan(start, size), _arena.JoinSpan(start, size));
        }
    }

    /// <summary>Mostly a span that is there; seldom the only one, so that something is left.</summary>
    private void DrainOrStop(in ArenaStep step)
    {
        bool isAny = step.Flavor == 0 || _model.Spans.Count < (step.Kind == StepKind.Drain && step.Count > 1 ? 2 : 1);
        int start = isAny ? step.Value : _model.Spans[step.Target % _model.Spans.Count].Start;
        if (step.Kind == StepKind.Drain)
        {
            Agree($"TryDrainSpan({start})", _model.Drain(start), _arena.Drain(start));
        }
        else
        {
            Agree($"StopDraining({start})", _model.StopDraining(start), _arena.StopDraining(start));
        }
    }

    private void GrowSpan(in ArenaStep step, int start)
    {
        int quantum = _model.Quantum;
        ModelSegment span = _model.Spans[step.Target % _model.Spans.Count];
        if (span.Size > _arena.MaxAmount)
        {
            return;                               // no size says it
        }

        span = step.Flavor == 0 ? span with { Start = start } : step.Flavor == 1 && step.Size > 0 ? span with { Size = step.Size } : span;
        int newSize = step.Flavor < 3 ? step.Size : span.Size + ((step.Count - 4) * quantum);
        newSize = Math.Clamp(newSize, 0, Math.Min(_model.Top - 1, span.Size + (MaxAddedQuanta * quantum)));
        Agree($"TryGrowSpan({span.Start}, {span.Size}, {newSize})", _model.GrowSpan(span.Start, span.Size, newSize), _arena.GrowSpan(span.Start, span.Size, newSize));
    }
}
