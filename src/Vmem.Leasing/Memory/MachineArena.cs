namespace Vmem.Leasing.Memory;

/// <summary>The extents of an arena: a list in order of address, an index by start, and one of the free ones by size.</summary>
internal sealed class MachineArena
{
    private readonly Dictionary<UInt128, MachineExtent> _byStart = [];
    private readonly SortedSet<(UInt128 Size, UInt128 Start)> _free = [];
    private readonly HashSet<MachineExtent> _quarantined = [];
    private readonly MachineExtent _first;

    public MachineArena(LeaseArena arena)
    {
        Arena = arena;
        _first = new MachineExtent(this, arena.Definition.Start, arena.Definition.Size);
        Index(_first);
    }

    private MachineArena(MachineArena original, Func<MachineSession, MachineSession> copyOf)
    {
        Arena = original.Arena;
        Fence = original.Fence;
        _first = original._first.Copy(this);
        for (MachineExtent? copy = _first; copy is not null; copy = copy.Next)
        {
            copy.Session = copy.Session is { } session ? copyOf(session) : null;
            copy.Session?.Add(copy);
            Index(copy);
            if (copy.Next is { } next)
            {
                copy.Next = next.Copy(this);
                copy.Next.Previous = copy;
            }
        }
    }

    public LeaseArena Arena { get; }

    /// <summary>The last fence that was given.</summary>
    public long Fence { get; set; }

    public IEnumerable<MachineExtent> Extents
    {
        get
        {
            for (MachineExtent? extent = _first; extent is not null; extent = extent.Next)
            {
                yield return extent;
            }
        }
    }

    public IReadOnlyCollection<MachineExtent> Quarantined => _quarantined;

    public UInt128 LargestFree => _free.Max.Size;

    /// <summary>A copy, with copies of the sessions.</summary>
    public MachineArena Copy(Func<MachineSession, MachineSession> copyOf) => new(this, copyOf);

    public MachineExtent? At(UInt128 start) => _byStart.GetValueOrDefault(start);

    /// <summary>The smallest free extent that holds the request, of equal ones the lowest; and where in it. If there is none, the largest,
    /// if that is of use.</summary>
    public MachineExtent? Find(LeaseRequest request, out UInt128 start, out UInt128 size)
    {
        size = request.Size;
        foreach ((_, UInt128 from) in _free.GetViewBetween((size, 0), (UInt128.MaxValue, UInt128.MaxValue)))
        {
            MachineExtent extent = _byStart[from];
            if (TryPlace(extent, request, out start))
            {
                return extent;
            }
        }

        start = 0;
        if (request.MinSize == 0 || LargestFree < request.MinSize)
        {
            return null;
        }

        (size, start) = _free.Max;
        return _byStart[start];
    }

    /// <summary>Cuts a free extent so that [start, start + size) is one of its own.</summary>
    public MachineExtent Carve(MachineExtent extent, UInt128 start, UInt128 size)
    {
        if (start > extent.Start)
        {
            extent = CutAt(extent, start);
        }

        if (size < extent.Size)
        {
            _ = CutAt(extent, start + size);
        }

        return extent;
    }

    /// <summary>Changes what an extent is.</summary>
    public void Turn(MachineExtent extent, LeaseExtentState state, long now)
    {
        Unindex(extent);
        extent.State = state;
        extent.Since = now;
        Index(extent);
    }

    /// <summary>Makes a free extent one with its free neighbours. The larger fence and watermark win (R10): who gets a part later waits
    /// too long rather than too short.</summary>
    public void Join(MachineExtent extent)
    {
        if (extent.Next is { State: LeaseExtentState.Free } next)
        {
            Absorb(extent, next);
        }

        if (extent.Previous is { State: LeaseExtentState.Free } previous)
        {
            Absorb(previous, extent);
        }
    }

    private static bool TryPlace(MachineExtent extent, LeaseRequest request, out UInt128 start)
    {
        start = UInt128.Max(extent.Start, request.Min);
        if (request.Align != 0)
        {
            UInt128 beyond = (start % request.Align + request.Align - request.Phase) % request.Align;
            UInt128 ahead = beyond == 0 ? 0 : request.Align - beyond;
            if (start > UInt128.MaxValue - ahead)
            {
                return false;
            }

            start += ahead;
        }

        UInt128 end = request.Max == 0 ? extent.End : UInt128.Min(extent.End, request.Max);
        return start < end && end - start >= request.Size;
    }

    private MachineExtent CutAt(MachineExtent extent, UInt128 at)
    {
        MachineExtent rest = extent.Copy(this);
        Unindex(extent);
        rest.Start = at;
        rest.Size = extent.End - at;
        extent.Size = at - extent.Start;
        rest.Previous = extent;
        extent.Next = rest;
        if (rest.Next is { } next)
        {
            next.Previous = rest;
        }

        Index(extent);
        Index(rest);
        return rest;
    }

    private void Absorb(MachineExtent lower, MachineExtent upper)
    {
        Unindex(lower);
        Unindex(upper);
        lower.Size += upper.Size;
        lower.Fence = Math.Max(lower.Fence, upper.Fence);
        lower.Watermark = lower.Watermark is { } low && upper.Watermark is { } up ? Math.Max(low, up) : lower.Watermark ?? upper.Watermark;
        lower.Since = Math.Max(lower.Since, upper.Since);
        lower.Next = upper.Next;
        if (upper.Next is { } next)
        {
            next.Previous = lower;
        }

        Index(lower);
    }

    private void Index(MachineExtent extent)
    {
        _byStart.Add(extent.Start, extent);
        switch (extent.State)
        {
            case LeaseExtentState.Free:
                _free.Add((extent.Size, extent.Start));
                break;
            case LeaseExtentState.Quarantined:
                _quarantined.Add(extent);
                break;
        }
    }

    private void Unindex(MachineExtent extent)
    {
        _byStart.Remove(extent.Start);
        switch (extent.State)
        {
            case LeaseExtentState.Free:
                _free.Remove((extent.Size, extent.Start));
                break;
            case LeaseExtentState.Quarantined:
                _quarantined.Remove(extent);
                break;
        }
    }
}
