namespace Vmem.Leasing;

/// <summary>The invariants of an arena, over what any store can list.</summary>
/// <remarks>Public for engines: a store's <see cref="LeaseStore.ValidateAsync"/> adds these to what it can ask its own engine.</remarks>
public static class LeaseInvariants
{
    /// <summary>Checks that extents tile an arena, no two neighbours are free, leased means held, and, over the audit, that fences grow
    /// and nobody was granted what somebody held.</summary>
    /// <param name="arena">The arena.</param>
    /// <param name="extents">All of its extents, in order.</param>
    /// <param name="audit">All of its audit, in order, or the newest part of it.</param>
    /// <returns>What is wrong, in words.</returns>
    public static IReadOnlyList<string> Check(LeaseArena arena, IReadOnlyList<LeaseExtent> extents, IReadOnlyList<LeaseAuditEntry> audit)
    {
        ArgumentNullException.ThrowIfNull(arena);
        ArgumentNullException.ThrowIfNull(extents);
        ArgumentNullException.ThrowIfNull(audit);
        List<string> faults = [];
        CheckTiles(arena, extents, faults);
        CheckAudit(audit, faults);
        return faults;
    }

    private static bool Overlap(LeaseAuditEntry one, LeaseAuditEntry other) =>
        one.Start < other.Start + other.Size && other.Start < one.Start + one.Size;

    private static void CheckTiles(LeaseArena arena, IReadOnlyList<LeaseExtent> extents, List<string> faults)
    {
        UInt128 expected = arena.Definition.Start;
        LeaseExtent? previous = null;
        foreach (LeaseExtent extent in extents)
        {
            if (extent.Start != expected)
            {
                faults.Add($"{(extent.Start > expected ? "a gap" : "an overlap")} at {expected}: the next extent begins at {extent.Start}");
            }

            if (extent.Size == 0 || extent.Start % arena.Definition.Quantum != 0 || extent.Size % arena.Definition.Quantum != 0)
            {
                faults.Add($"the extent of {extent.Size} at {extent.Start} is not whole quanta");
            }

            if (extent.State == LeaseExtentState.Free && previous is { State: LeaseExtentState.Free })
            {
                faults.Add($"two free neighbours meet at {extent.Start}");
            }

            if (extent.State == LeaseExtentState.Leased != (extent.Session != Guid.Empty))
            {
                faults.Add($"the extent at {extent.Start} is {extent.State} and its holder is {extent.Session}");
            }

            expected = extent.Start + extent.Size;
            previous = extent;
        }

        if (expected != arena.Definition.Start + arena.Definition.Size)
        {
            faults.Add($"the extents end at {expected}, the arena at {arena.Definition.Start + arena.Definition.Size}");
        }
    }

    private static void CheckAudit(IReadOnlyList<LeaseAuditEntry> audit, List<string> faults)
    {
        long fence = 0;
        SortedList<UInt128, LeaseAuditEntry> held = [];
        foreach (LeaseAuditEntry entry in audit)
        {
            if (entry.Event == LeaseEvent.Grant)
            {
                if (entry.Fence <= fence)
                {
                    faults.Add($"entry {entry.Number} grants fence {entry.Fence} after {fence}");
                }

                fence = entry.Fence;
            }

            if (entry.Event is LeaseEvent.Grant or LeaseEvent.Reassert)
            {
                if (held.Values.FirstOrDefault(other => Overlap(other, entry)) is { } other)
                {
                    faults.Add($"entry {entry.Number} grants {entry.Size} at {entry.Start}, of which entry {other.Number} granted a part and nothing freed it");
                }

                held[entry.Start] = entry;
            }
            else if (entry.Event == LeaseEvent.Free)
            {
                held.Remove(entry.Start);
            }
        }
    }
}
