using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Baselines;

namespace Vmem.Benchmarks.Subjects;

/// <summary>The <c>rmalloc</c> baseline as a target.</summary>
internal readonly struct ListTarget(ulong capacity) : ITarget<AddressTicket>
{
    private readonly FirstFitList _list = new(0, capacity);

    public long BookkeepingBytes => _list.BookkeepingBytes;

    public static bool IsLive(in AddressTicket ticket) => ticket.Size != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAllocate(ulong size, out AddressTicket ticket)
    {
        bool found = _list.TryAllocate(size, out ulong start);
        ticket = new AddressTicket(start, size);
        return found;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAllocateConstrained(ulong size, in RangeConstraints<ulong> constraints, out AddressTicket ticket)
    {
        bool found = _list.TryAllocate(size, in constraints, out ulong start);
        ticket = new AddressTicket(start, size);
        return found;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(in AddressTicket ticket) => _list.Free(ticket.Start, ticket.Size);

    public void Dispose()
    {
        // Managed memory only.
    }
}
