namespace Vmem.Leasing.Conformance.Scripts;

// What the cells say.
public sealed partial class NaiveLeases
{
    /// <summary>What a store lists, but for owners and times.</summary>
    public IReadOnlyList<LeaseExtent> List()
    {
        List<LeaseExtent> extents = [];
        for (int first = 0, end; first < _cells.Length; first = end)
        {
            Cell cell = _cells[first];
            end = first + 1;
            while (end < _cells.Length && _cells[end].Lease == cell.Lease)
            {
                end++;
            }

            LeaseExtentState state = cell.Lease is null ? LeaseExtentState.Free
                : cell.Lease.RestsSince is null ? LeaseExtentState.Leased : LeaseExtentState.Quarantined;
            Guid holder = state == LeaseExtentState.Leased ? cell.Lease!.Session : Guid.Empty;
            extents.Add(new LeaseExtent(ValueOf(first), (UInt128)(end - first), state, holder, "", cell.Fence, default, cell.Watermark));
        }

        return extents;
    }

    /// <summary>The lowest place in the shortest run of free cells that has one; else the last of the longest runs, if that is of
    /// use.</summary>
    private (int First, int Size)? Find(LeaseRequest request)
    {
        LeaseExtent[] free = [.. List().Where(static extent => extent.State == LeaseExtentState.Free).OrderBy(static run => run.Size)];
        foreach (LeaseExtent run in free)
        {
            for (UInt128 start = run.Start; start + request.Size <= run.Start + run.Size; start++)
            {
                if (start >= request.Min && (request.Max == 0 || start + request.Size <= request.Max)
                    && (request.Align <= 1 || start % request.Align == request.Phase))
                {
                    return ((int)(start - _arena.Definition.Start), (int)request.Size);
                }
            }
        }

        return request.MinSize > 0 && free.Length > 0 && free[^1] is { } longest && longest.Size >= request.MinSize
            ? ((int)(longest.Start - _arena.Definition.Start), (int)longest.Size) : null;
    }

    /// <summary>Of free neighbours the largest fence and watermark are those of all (R10).</summary>
    private void Free(Lease lease, long? watermark)
    {
        Fill(lease.First, lease.Size, cell => new Cell(null, cell.Fence, Larger(cell.Watermark, watermark)));
        int first = lease.First;
        int end = lease.First + lease.Size;
        while (first > 0 && _cells[first - 1].Lease is null)
        {
            first--;
        }

        while (end < _cells.Length && _cells[end].Lease is null)
        {
            end++;
        }

        Cell[] run = _cells[first..end];
        Fill(first, run.Length, _ => new Cell(null, run.Max(static cell => cell.Fence), run.Max(static cell => cell.Watermark)));
    }
}
