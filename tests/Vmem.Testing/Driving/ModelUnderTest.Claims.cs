using Vmem.Testing.Model;

namespace Vmem.Testing.Driving;

public partial class ModelUnderTest
{
    public virtual Outcome AllocateAt(int start, int size)
    {
        Outcome outcome = _model.JudgePlace(start, size);
        if (outcome.Kind == OutcomeKind.Done)
        {
            Take(start, size);
        }

        _failures += outcome.Kind == OutcomeKind.Refused ? 1 : 0;
        return outcome;
    }

    public virtual Outcome AllocateAtMany(IReadOnlyList<(int Start, int Size)> ranges)
    {
        Outcome outcome = _model.JudgePlaces(ranges, out List<(int Start, int Size)> taken);
        taken.ForEach(range => Take(range.Start, range.Size));
        if (outcome.Kind != OutcomeKind.Done)
        {
            taken.ForEach(range => Free(range.Start, range.Size, 0));
            _failures += outcome.Kind == OutcomeKind.Refused ? 1 : 0;
        }

        return outcome;
    }

    public virtual Outcome Reserve(int start, int size, List<(int Start, int Size)>? pieces)
    {
        if (_model.JudgePlace(start, size).Kind == OutcomeKind.BadArgument)
        {
            return Outcome.BadArgument;
        }

        List<(int Start, int Size)> taken = _model.FreeOf(start, size);
        taken.ForEach(range => Take(range.Start, range.Size));
        pieces?.AddRange(taken);
        return Outcome.Done(taken.Sum(range => range.Size));
    }

    private void Take(int start, int size)
    {
        _model.Occupy(start, size, FitPolicy.FirstFit);
        _allocations++;
        NotePeak();
    }
}
