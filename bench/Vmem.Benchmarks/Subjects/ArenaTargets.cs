using System.Runtime.CompilerServices;

namespace Vmem.Benchmarks.Subjects;

/// <summary>A range as <c>vmem_free</c> wants it: 16 bytes that the caller keeps.</summary>
internal readonly record struct AddressTicket(ulong Start, ulong Size);

/// <summary>An arena freed by address: the arena looks the range up, checks it, and frees it.</summary>
internal readonly struct ArenaByAddress(Arena<ulong> arena) : ITarget<AddressTicket>
{
    private readonly Arena<ulong> _arena = arena;

    public long BookkeepingBytes => _arena.GetStatistics().BookkeepingBytes;

    public static bool IsLive(in AddressTicket ticket) => ticket.Size != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAllocate(ulong size, out AddressTicket ticket)
    {
        bool found = _arena.TryAllocate(size, out ulong start);
        ticket = new AddressTicket(start, size);
        return found;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAllocateConstrained(ulong size, in RangeConstraints<ulong> constraints, out AddressTicket ticket)
    {
        bool found = _arena.TryAllocateConstrained(size, in constraints, out ulong start);
        ticket = new AddressTicket(start, size);
        return found;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(in AddressTicket ticket) => _arena.Free(ticket.Start, ticket.Size);

    public void Dispose() => _arena.Dispose();
}

/// <summary>An arena freed by generation-checked handle: no look-up, and the caller keeps more bytes.</summary>
internal readonly struct ArenaByHandle(Arena<ulong> arena) : ITarget<RangeHandle<ulong>>
{
    private readonly Arena<ulong> _arena = arena;

    public long BookkeepingBytes => _arena.GetStatistics().BookkeepingBytes;

    public static bool IsLive(in RangeHandle<ulong> ticket) => ticket.Size != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAllocate(ulong size, out RangeHandle<ulong> ticket) => _arena.TryAllocateHandle(size, out ticket);

    public bool TryAllocateConstrained(ulong size, in RangeConstraints<ulong> constraints, out RangeHandle<ulong> ticket)
        => throw new NotSupportedException("Constrained ranges are allocated and freed by address.");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(in RangeHandle<ulong> ticket) => _arena.Free(in ticket);

    public void Dispose() => _arena.Dispose();
}

/// <summary>What a user of a single-threaded arena would write to share it: a <see cref="Lock"/> around each call. The measure of the
/// arena's own lock.</summary>
internal readonly struct ArenaInLock(Arena<ulong> arena) : ITarget<AddressTicket>
{
    private readonly ArenaByAddress _inner = new(arena);
    private readonly Lock _gate = new();

    public long BookkeepingBytes => _inner.BookkeepingBytes;

    public static bool IsLive(in AddressTicket ticket) => ticket.Size != 0;

    public bool TryAllocate(ulong size, out AddressTicket ticket)
    {
        lock (_gate)
        {
            return _inner.TryAllocate(size, out ticket);
        }
    }

    public bool TryAllocateConstrained(ulong size, in RangeConstraints<ulong> constraints, out AddressTicket ticket)
    {
        lock (_gate)
        {
            return _inner.TryAllocateConstrained(size, in constraints, out ticket);
        }
    }

    public void Free(in AddressTicket ticket)
    {
        lock (_gate)
        {
            _inner.Free(in ticket);
        }
    }

    public void Dispose() => _inner.Dispose();
}
