using System.Diagnostics;
using Vmem.Leasing.Memory;

namespace Vmem.Leasing;

/// <summary>What <see cref="InMemoryLeaseStore.TakeImage"/> took.</summary>
[DebuggerDisplay("{Machine._arenaByName.Count} arenas")]
public sealed class LeaseStoreImage
{
    internal LeaseStoreImage(LeaseMachine machine) => Machine = machine;

    internal LeaseMachine Machine { get; }
}
