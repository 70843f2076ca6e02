using System.Diagnostics;
using System.Numerics;

namespace Vmem.Leasing;

/// <summary>A part of a shared arena, as the store has it.</summary>
/// <param name="Start">The first value.</param>
/// <param name="Size">How many there are.</param>
/// <param name="State">Free, leased or quarantined.</param>
/// <param name="Session">Who holds it; empty if nobody does.</param>
/// <param name="Owner">The holder, for people.</param>
/// <param name="Fence">The largest fence under which any of it was leased.</param>
/// <param name="Since">When it became what it is, by the store's clock.</param>
/// <param name="Watermark">The last time that a holder of any of it may have used.</param>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Size} at {Start}, {State} by {Owner,nq}, fence {Fence}")]
public sealed record LeaseInfo<T>(T Start, T Size, LeaseExtentState State, Guid Session, string Owner, long Fence, DateTimeOffset Since,
    long? Watermark)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>;
