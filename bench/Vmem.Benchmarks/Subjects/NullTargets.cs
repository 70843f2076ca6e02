using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vmem.Benchmarks.Subjects;

/// <summary>
/// Targets that allocate nothing: what remains of a latency when the allocator is taken away. A pause seen here is the machine's (an
/// interrupt, another process, the hypervisor), not the arena's.
/// </summary>
internal readonly struct IdleTarget : ITarget<AddressTicket>
{
    public long BookkeepingBytes => 0;

    public static bool IsLive(in AddressTicket ticket) => ticket.Size != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAllocate(ulong size, out AddressTicket ticket)
    {
        ticket = new AddressTicket(size, size);
        return true;
    }

    public bool TryAllocateConstrained(ulong size, in RangeConstraints<ulong> constraints, out AddressTicket ticket) =>
        TryAllocate(size, out ticket);

    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Free(in AddressTicket ticket)
    {
    }

    public void Dispose()
    {
    }
}

/// <summary>
/// As <see cref="IdleTarget"/>, but each allocation writes 40 bytes of memory never touched before, as any growing table must: the price of
/// the page faults alone.
/// </summary>
internal readonly unsafe struct TouchTarget : ITarget<AddressTicket>
{
    private const int BytesPerAllocation = 40;
    private readonly byte* _memory;
    private readonly ulong* _position;
    private readonly ulong _length;

    public TouchTarget(ulong allocations)
    {
        _length = allocations * BytesPerAllocation;
        // Zeroed memory of this size comes straight from the system, untouched.
        _memory = (byte*)NativeMemory.AllocZeroed((nuint)_length + 64);
        _position = (ulong*)(_memory + _length);
    }

    public long BookkeepingBytes => (long)_length;

    public static bool IsLive(in AddressTicket ticket) => ticket.Size != 0;

    public bool TryAllocate(ulong size, out AddressTicket ticket)
    {
        ulong position = *_position % _length;
        *_position = position + BytesPerAllocation;
        *(ulong*)(_memory + position) = size;
        *(ulong*)(_memory + position + BytesPerAllocation - sizeof(ulong)) = size;
        ticket = new AddressTicket(position, size);
        return true;
    }

    public bool TryAllocateConstrained(ulong size, in RangeConstraints<ulong> constraints, out AddressTicket ticket) =>
        TryAllocate(size, out ticket);

    public void Free(in AddressTicket ticket)
    {
    }

    public void Dispose() => NativeMemory.Free(_memory);
}
