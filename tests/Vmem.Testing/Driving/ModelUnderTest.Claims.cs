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

    public virtual Outcome JoinSpan(int start, int size) => _model.JoinSpan(start, size);

    public virtual Outcome GrowSpan(int start, int oldSize, int newSize) => _model.GrowSpan(start, oldSize, newSize);

    public virtual Outcome Drain(int start) => _model.Drain(start);

    public virtual Outcome StopDraining(int start) => _model.StopDraining(start);

    private void Take(int start, int size)
    {
        _model.Occupy(start, size, FitPolicy.FirstFit);
        _allocations++;
        NotePeak();
    }

    public virtual Outcome Split(int start, int size, int at)
    {
        Outcome outcome = at % _model.Quantum != 0 || at <= start || at >= start + _model.RoundUp(size) ? Outcome.BadArgument
            : _model.JudgeFree(start, size);
        if (outcome.Kind == OutcomeKind.Done)
        {
            _model.Split(start, at);
            _allocations++;
        }

        return outcome;
    }

    public virtual Outcome FreePart(int start, int size, int partStart, int partSize)
    {
        int end = partStart + _model.RoundUp(partSize);
        Outcome outcome = partSize == 0 || partStart % _model.Quantum != 0 || partStart < start || end > start + _model.RoundUp(size)
            ? Outcome.BadArgument : _model.JudgeFree(start, size);
        if (outcome.Kind == OutcomeKind.Done)
        {
            _ = Split(start, size, end);
            _ = Split(start, end - start, partStart);
            _ = Free(partStart, partSize, 0);
        }

        return outcome;
    }

    public virtual Outcome Move(int start, int size, int newStart)
    {
        Outcome outcome = newStart % _model.Quantum != 0 || newStart + _model.RoundUp(size) > _model.Top ? Outcome.BadArgument
            : _model.JudgeFree(start, size);
        if (outcome.Kind != OutcomeKind.Done || newStart == start)
        {
            return outcome;
        }

        int handle = _model.Release(start).Handle;
        bool isFree = _model.IsValidPlace(newStart, size, default);
        _model.Occupy(isFree ? newStart : start, size, FitPolicy.FirstFit, isFree ? -1 : handle);
        int index = _handles.FindIndex(entry => entry == (start, true));
        if (isFree && index >= 0)
        {
            _handles[index] = (start, false);
        }

        return Outcome.When(isFree);
    }

    public virtual bool IsAllocated(int start) => _model.HasRangeAt(start);

    public virtual Outcome FreeStart(int start) => Free(start, _model.HasRangeAt(start) ? SizeAt(start) : 1, 0);

    public virtual Outcome FreeHandles(IReadOnlyList<int> ordinals)
    {
        if (ordinals.Distinct().Count() != ordinals.Count || ordinals.Any(ordinal => ordinal < 0 || !_handles[ordinal].IsLive))
        {
            return Outcome.BadFree(InvalidFreeReason.AlreadyFree);
        }

        foreach (int ordinal in ordinals)
        {
            _ = FreeHandle(ordinal);
        }

        return Outcome.Done();
    }
}
