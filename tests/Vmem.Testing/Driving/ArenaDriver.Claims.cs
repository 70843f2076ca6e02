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
        }
    }

    private void AllocateAt(int start, int size)
    {
        Outcome expected = _model.JudgePlace(start, size);
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
        if (ranges.Exists(range => range.Start >= _model.Top))
        {
            return;
        }

        Outcome expected = _model.JudgePlaces(ranges, out List<(int Start, int Size)> taken);
        Agree($"AllocateAtMany({string.Join(' ', ranges)})", expected, _arena.AllocateAtMany(ranges));
        if (expected.Kind == OutcomeKind.Done)
        {
            taken.ForEach(Claim);
            return;
        }

        _state.NotePeak(_model.MeasureAmounts().InUse + taken.Sum(range => (long)_model.RoundUp(range.Size)));
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
}
