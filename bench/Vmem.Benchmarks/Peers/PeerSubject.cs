using Vmem.Benchmarks.Subjects;

namespace Vmem.Benchmarks.Peers;

/// <summary>A peer with a policy, as a line of a table.</summary>
internal sealed record PeerSubject(RangePeer Peer, PeerPolicy Policy = PeerPolicy.Instant, bool InLock = false) : ISubject
{
    public string Key => $"{Peer.Name}{(Policy == PeerPolicy.Best ? ", best fit" : "")}{(InLock ? ", in a lock" : "")}";

    public TResult Run<TResult>(IExperiment<TResult> experiment) => (Peer.IsByAddress, InLock) switch
    {
        (false, false) => experiment.Run<PeerByTicket, PeerTicket>(Ticket),
        (false, true) => experiment.Run<InBackoffLock<PeerByTicket, PeerTicket>, PeerTicket>(capacity => new(Ticket(capacity))),
        (true, false) => experiment.Run<PeerByAddress, AddressTicket>(Address),
        (true, true) => experiment.Run<InBackoffLock<PeerByAddress, AddressTicket>, AddressTicket>(capacity => new(Address(capacity))),
    };

    private PeerByTicket Ticket(ulong capacity) => new(Peer, Policy, capacity);

    private PeerByAddress Address(ulong capacity) => new(Peer, Policy, capacity);
}
