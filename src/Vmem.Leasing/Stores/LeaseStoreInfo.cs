using System.Diagnostics;

namespace Vmem.Leasing;

/// <summary>What a store is.</summary>
/// <param name="Engine">Its kind, for people.</param>
/// <param name="SchemaVersion">The version of what it keeps.</param>
/// <param name="Incarnation">Counts the failovers and restorations: another one means that the store may have forgotten something.</param>
/// <param name="Now">Its clock.</param>
/// <param name="HoldUntil">During a hold: when its phase ends at the earliest. Null: none is on.</param>
[DebuggerDisplay("{Engine,nq}: schema {SchemaVersion}, incarnation {Incarnation}")]
public sealed record LeaseStoreInfo(string Engine, int SchemaVersion, int Incarnation, DateTimeOffset Now, DateTimeOffset? HoldUntil);
