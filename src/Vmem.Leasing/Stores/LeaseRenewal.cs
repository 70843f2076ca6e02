using System.Diagnostics;

namespace Vmem.Leasing;

/// <summary>The answer to a renewal.</summary>
/// <param name="Beat">How often the session was renewed.</param>
/// <param name="Incarnation">The store's incarnation.</param>
/// <param name="Held">How many leases the store knows of the session.</param>
[DebuggerDisplay("beat {Beat}, {Held} held, incarnation {Incarnation}")]
public sealed record LeaseRenewal(long Beat, int Incarnation, long Held);
