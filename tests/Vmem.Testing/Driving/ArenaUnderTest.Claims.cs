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
}
