using System.Diagnostics;

namespace Vmem;

/// <summary>A request that waits for room in an arena.</summary>
/// <param name="Size">How much it wants, rounded up to the quantum.</param>
/// <param name="Policy">Which place it would take.</param>
/// <param name="Age">How long it has waited, by the arena's clock; zero if it has only just come.</param>
/// <param name="Tag">Whose call it is: the <see cref="RecordingTag"/> of the caller; 0 if there was none.</param>
[DebuggerDisplay("{Size} for {Age}")]
public readonly record struct ArenaWait(UInt128 Size, FitPolicy Policy, TimeSpan Age, ulong Tag);
