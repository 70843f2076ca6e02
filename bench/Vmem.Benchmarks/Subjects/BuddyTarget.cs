using System.Runtime.CompilerServices;

namespace Vmem.Benchmarks.Subjects;

/// <summary>A buddy allocator as a target. It is freed by its start alone; the caller keeps the size all the same, so that no study
/// charges the arena for a larger ticket.</summary>
internal readonly struct BuddyTarget(BuddyAllocator<ulong> buddy) : ITarget<AddressTicket>
{
    private readonly BuddyAllocator<ulong> _buddy = buddy;

    public long BookkeepingBytes => _buddy.GetStatistics().BookkeepingBytes;

    public static bool IsLive(in AddressTicket ticket) => ticket.Size != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAllocate(ulong size, out AddressTicket ticket)
    {
        bool found = _buddy.TryAllocate(size, out ulong start);
        ticket = new AddressTicket(start, size);
        return found;
    }

    public bool TryAllocateConstrained(ulong size, in RangeConstraints<ulong> constraints, out AddressTicket ticket)
        => throw new NotSupportedException("A buddy allocator knows no constraints: its blocks lie where their size says.");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(in AddressTicket ticket) => _buddy.Free(ticket.Start);

    public void Dispose()
    {
        // Managed memory only.
    }
}
