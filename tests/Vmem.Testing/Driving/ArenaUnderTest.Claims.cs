using Vmem.Testing.Model;

namespace Vmem.Testing.Driving;

public sealed partial class ArenaUnderTest<T>
{
    public Outcome AllocateAt(int start, int size)
    {
        Journal?.Line($"arena.TryAllocateAt({Address(start)}, {size});");
        return Guard(() => Outcome.When(_arena.TryAllocateAt(Address(start), Amount(size))));
    }

    public Outcome AllocateAtMany(IReadOnlyList<(int Start, int Size)> ranges)
    {
        Segment<T>[] claimed = [.. ranges.Select(range => new Segment<T>(Address(range.Start), Amount(range.Size), SegmentKind.Allocated))];
        Journal?.Line($"arena.AllocateAtMany([{string.Join(", ", claimed.Select(range => $"new({range.Start}, {range.Size}, SegmentKind.Allocated)"))}]);");
        return Guard(() =>
        {
            _arena.AllocateAtMany(claimed);
            return Outcome.Done();
        });
    }

    public Outcome Reserve(int start, int size, List<(int Start, int Size)>? pieces)
    {
        List<Segment<T>>? taken = pieces is null ? null : [];
        Journal?.Line($"arena.Reserve({Address(start)}, {size});");
        Outcome outcome = Guard(() => Outcome.Done(int.CreateChecked(_arena.Reserve(Address(start), Amount(size), taken))));
        pieces?.AddRange(taken!.Select(piece => (Local(piece.Start), int.CreateChecked(piece.Size))));
        return outcome;
    }

    public Outcome JoinSpan(int start, int size)
    {
        Journal?.Line($"arena.AddSpan({Address(start)}, {size}, joinNeighbors: true);");
        return Guard(() =>
        {
            _arena.AddSpan(Address(start), Amount(size), joinNeighbors: true);
            return Outcome.Done();
        });
    }

    public Outcome GrowSpan(int start, int oldSize, int newSize)
    {
        Journal?.Line($"arena.TryGrowSpan({Address(start)}, {oldSize}, {newSize});");
        return Guard(() => Outcome.When(_arena.TryGrowSpan(Address(start), Amount(oldSize), Amount(newSize))));
    }

    public Outcome Drain(int start)
    {
        Journal?.Line($"arena.TryDrainSpan({Address(start)});");
        return Guard(() => Outcome.When(_arena.TryDrainSpan(Address(start))));
    }

    public Outcome StopDraining(int start)
    {
        Journal?.Line($"arena.StopDraining({Address(start)});");
        return Guard(() => Outcome.When(_arena.StopDraining(Address(start))));
    }

    public Outcome Split(int start, int size, int at)
    {
        Journal?.Line($"arena.Split({Address(start)}, {size}, {Address(at)});");
        return Guard(() =>
        {
            _arena.Split(Address(start), Amount(size), Address(at));
            _calls?.NoteCut(Address(start), Address(at));
            return Outcome.Done();
        });
    }

    public Outcome FreePart(int start, int size, int partStart, int partSize)
    {
        Journal?.Line($"arena.FreePart({Address(start)}, {size}, {Address(partStart)}, {partSize});");
        return Guard(() =>
        {
            _arena.FreePart(Address(start), Amount(size), Address(partStart), Amount(partSize));
            int quantum = int.CreateChecked(_arena.Quantum);
            int end = partStart + ((partSize + quantum - 1) / quantum * quantum);
            if (end < start + size)
            {
                _calls?.NoteCut(Address(start), Address(end));
            }

            if (partStart == start)
            {
                _calls?.NoteFreed(Address(start));
            }

            return Outcome.Done();
        });
    }

    public Outcome Move(int start, int size, int newStart)
    {
        Journal?.Line($"arena.TryMove({Address(start)}, {size}, {Address(newStart)});");
        return Guard(() =>
        {
            bool moved = _arena.TryMove(Address(start), Amount(size), Address(newStart));
            if (moved && newStart != start)
            {
                _calls?.NoteCut(Address(start), Address(newStart));
                _calls?.NoteFreed(Address(start));
            }

            return Outcome.When(moved);
        });
    }

    public bool IsAllocated(int start)
    {
        Journal?.Line($"arena.IsAllocated({Address(start)});");
        return _arena.IsAllocated(Address(start));
    }

    /// <summary>What an audit wants freed by another call is freed by that.</summary>
    public Outcome FreeStart(int start)
    {
        Journal?.Line($"arena.Free({Address(start)});");
        return Guard(() =>
        {
            if (_calls is not null && _calls.WantsConstrained(Address(start), wish: false))
            {
                _ = _arena.TryGetSegment(Address(start), out Segment<T> segment);
                _arena.FreeConstrained(Address(start), segment.Size);
            }
            else
            {
                _arena.Free(Address(start));
            }

            _calls?.NoteFreed(Address(start));
            return Outcome.Done();
        });
    }

    public Outcome FreeHandles(IReadOnlyList<int> ordinals)
    {
        RangeHandle<T>[] handles = [.. ordinals.Select(ordinal => ordinal < 0 ? default : _handles[ordinal])];
        Journal?.Line($"arena.FreeMany([{string.Join(", ", ordinals.Select(ordinal => ordinal < 0 ? "default" : $"handle{ordinal}"))}]);");
        return Guard(() =>
        {
            _arena.FreeMany(handles);
            Array.ForEach(handles, handle => _calls?.NoteFreed(handle.Start));
            return Outcome.Done();
        });
    }
}
