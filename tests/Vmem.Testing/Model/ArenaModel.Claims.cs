namespace Vmem.Testing.Model;

public sealed partial class ArenaModel
{
    /// <summary>Whether exactly this range can be taken. Nothing is changed.</summary>
    public Outcome JudgePlace(int start, int size) =>
        IsBadSize(size) || start % Quantum != 0 || start + RoundUp(size) > Top ? Outcome.BadArgument
        : Outcome.When(IsValidPlace(start, size, default));

    /// <summary>Whether all of these ranges, in the order of their starts, can be taken. Nothing is changed.</summary>
    /// <param name="ranges">The ranges.</param>
    /// <param name="taken">Those before the first that cannot.</param>
    public Outcome JudgePlaces(IReadOnlyList<(int Start, int Size)> ranges, out List<(int Start, int Size)> taken)
    {
        taken = [];
        int end = 0;
        foreach ((int start, int size) in ranges.OrderBy(range => range.Start))
        {
            Outcome judgement = JudgePlace(start, size) is { Kind: OutcomeKind.BadArgument } bad ? bad
                : start < end ? Outcome.BadArgument : JudgePlace(start, size);
            if (judgement.Kind != OutcomeKind.Done)
            {
                return judgement;
            }

            end = start + RoundUp(size);
            taken.Add((start, size));
        }

        return Outcome.Done();
    }

    /// <summary>What is free of a window.</summary>
    public List<(int Start, int Size)> FreeOf(int start, int size)
    {
        int end = start + RoundUp(size);
        return
        [
            .. ScanSegments().Where(segment => segment.Kind == SegmentKind.Free && segment.Start < end && segment.End > start)
                .Select(segment => (Math.Max(segment.Start, start), Math.Min(segment.End, end) - Math.Max(segment.Start, start))),
        ];
    }
}
