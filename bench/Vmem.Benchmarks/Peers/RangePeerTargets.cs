using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Subjects;

namespace Vmem.Benchmarks.Peers;

/// <summary>What a caller of a peer keeps: 8 bytes, never 0.</summary>
internal readonly record struct PeerTicket(ulong Value);

/// <summary>A peer freed by ticket, in a timed loop: the JIT keeps its pointers in registers.</summary>
internal readonly unsafe struct PeerByTicket(RangePeer peer, PeerPolicy policy, ulong capacity) : ITarget<PeerTicket>
{
    private readonly RangePeer _peer = peer;
    private readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, ulong, ulong*, ulong> _allocate = peer.Allocate;
    private readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, ulong, void> _free = peer.Free;
    private readonly void* _instance = peer.Create(capacity, policy);

    public long BookkeepingBytes => 0;

    public static bool IsLive(in PeerTicket ticket) => ticket.Value != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAllocate(ulong size, out PeerTicket ticket)
    {
        ulong start;
        ticket = new PeerTicket(_allocate(_instance, size, &start));
        return ticket.Value != 0;
    }

    public bool TryAllocateConstrained(ulong size, in RangeConstraints<ulong> constraints, out PeerTicket ticket)
    {
        ulong start;
        ticket = new PeerTicket(_peer.AllocateConstrained(
            _instance, size, Math.Max(constraints.Align, 1), constraints.Min, constraints.Max, &start));
        return ticket.Value != 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(in PeerTicket ticket) => _free(_instance, ticket.Value);

    public void Dispose() => _peer.Destroy(_instance);
}

/// <summary>A peer freed by start and size.</summary>
internal readonly unsafe struct PeerByAddress(RangePeer peer, PeerPolicy policy, ulong capacity) : ITarget<AddressTicket>
{
    private readonly RangePeer _peer = peer;
    private readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, ulong, ulong*, ulong> _allocate = peer.Allocate;
    private readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, ulong, ulong, void> _free = peer.FreeRange;
    private readonly void* _instance = peer.Create(capacity, policy);

    public long BookkeepingBytes => 0;

    public static bool IsLive(in AddressTicket ticket) => ticket.Size != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryAllocate(ulong size, out AddressTicket ticket)
    {
        ulong start = 0;
        bool found = _allocate(_instance, size, &start) != 0;
        ticket = new AddressTicket(start, size);
        return found;
    }

    public bool TryAllocateConstrained(ulong size, in RangeConstraints<ulong> constraints, out AddressTicket ticket)
    {
        ulong start = 0;
        bool found = _peer.AllocateConstrained(
            _instance, size, Math.Max(constraints.Align, 1), constraints.Min, constraints.Max, &start) != 0;
        ticket = new AddressTicket(start, size);
        return found;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Free(in AddressTicket ticket) => _free(_instance, ticket.Start, ticket.Size);

    public void Dispose() => _peer.Destroy(_instance);
}
