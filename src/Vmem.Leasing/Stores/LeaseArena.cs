using System.Diagnostics;

namespace Vmem.Leasing;

/// <summary>An arena of a store.</summary>
/// <param name="Id">Its number within the store.</param>
/// <param name="Name">Its name.</param>
/// <param name="Definition">What it is.</param>
[DebuggerDisplay("{Name,nq}: number {Id}, {Definition}")]
public sealed record LeaseArena(int Id, string Name, LeaseDefinition Definition);
