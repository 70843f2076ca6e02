using Vmem.Checks;

namespace Vmem.Vulkan.Memory;

/// <summary>Where an allocation is in its life.</summary>
internal enum AllocationState
{
    Live,

    /// <summary>Its contents are being copied elsewhere: see <see cref="GpuMoves"/>.</summary>
    Moving,

    /// <summary>It was freed meanwhile; the end of the move frees both of its places.</summary>
    FreedWhileMoving,

    Freed,
}

/// <summary>The allocations that nobody has freed, oldest first, and every change of their state.</summary>
/// <remarks>A list through the allocations themselves: to take one in or out is a few writes, allocates nothing and cannot fail. Rejected:
/// a dictionary by address, which may fail as it grows, in the middle of an allocation. Dumps and plans, which look allocations up, make
/// one.
/// </remarks>
internal sealed class LiveAllocations
{
    private ArenaLock _lock;                      // every allocation and free comes by; looks at all of them are rare
    private GpuAllocation? _first;
    private GpuAllocation? _last;
    private bool _isClosed;

    /// <summary>Whether it takes none in any more.</summary>
    public bool IsClosed => Volatile.Read(ref _isClosed);

    /// <summary>Takes a new allocation in.</summary>
    /// <returns>False if the list is closed.</returns>
    public bool TryAdd(GpuAllocation allocation)
    {
        using ArenaLock.Scope scope = _lock.EnterScope();
        if (!_isClosed)
        {
            Link(allocation);
        }

        return !_isClosed;
    }

    /// <summary>Takes an allocation in again whose end could not be carried out.</summary>
    public void Restore(GpuAllocation allocation)
    {
        using ArenaLock.Scope scope = _lock.EnterScope();
        allocation.State = AllocationState.Live;
        Link(allocation);
    }

    /// <summary>Ends the life of an allocation; one that moves ends with its move.</summary>
    /// <returns>In which state it was.</returns>
    public AllocationState End(GpuAllocation allocation)
    {
        using ArenaLock.Scope scope = _lock.EnterScope();
        AllocationState state = allocation.State;
        if (state is AllocationState.Live or AllocationState.Moving)
        {
            Unlink(allocation);
            allocation.State = state == AllocationState.Live ? AllocationState.Freed : AllocationState.FreedWhileMoving;
        }

        return state;
    }

    /// <summary>A live allocation moves from now on.</summary>
    /// <returns>False if it is not live.</returns>
    public bool TryBeginMove(GpuAllocation allocation)
    {
        using ArenaLock.Scope scope = _lock.EnterScope();
        bool isLive = allocation.State == AllocationState.Live;
        allocation.State = isLive ? AllocationState.Moving : allocation.State;
        return isLive;
    }

    /// <summary>A move has ended.</summary>
    /// <returns>False if the allocation was freed meanwhile.</returns>
    public bool EndMove(GpuAllocation allocation)
    {
        using ArenaLock.Scope scope = _lock.EnterScope();
        bool isLive = allocation.State == AllocationState.Moving;
        allocation.State = isLive ? AllocationState.Live : AllocationState.Freed;
        return isLive;
    }

    /// <summary>All of them, at one moment.</summary>
    public List<GpuAllocation> ToList()
    {
        using ArenaLock.Scope scope = _lock.EnterScope();
        return ListHeld();
    }

    /// <summary>Takes all of them out, as freed, and none in any more.</summary>
    public List<GpuAllocation> Close()
    {
        using ArenaLock.Scope scope = _lock.EnterScope();
        List<GpuAllocation> all = ListHeld();
        _isClosed = true;
        all.ForEach(allocation =>
        {
            Unlink(allocation);
            allocation.State = AllocationState.Freed;
        });
        return all;
    }

    private List<GpuAllocation> ListHeld()
    {
        List<GpuAllocation> all = [];
        for (GpuAllocation? item = _first; item is not null; item = item.Next)
        {
            all.Add(item);
        }

        return all;
    }

    private void Link(GpuAllocation allocation)
    {
        allocation.Previous = _last;
        _first ??= allocation;
        _last?.Next = allocation;
        _last = allocation;
    }

    private void Unlink(GpuAllocation allocation)
    {
        (GpuAllocation? before, GpuAllocation? after) = (allocation.Previous, allocation.Next);
        _first = before is null ? after : _first;
        _last = after is null ? before : _last;
        before?.Next = after;
        after?.Previous = before;
        (allocation.Previous, allocation.Next) = (null, null);
    }
}
