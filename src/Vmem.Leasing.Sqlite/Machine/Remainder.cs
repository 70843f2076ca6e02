namespace Vmem.Leasing.Sqlite.Machine;

/// <summary>What is left of a free extent of which a part was leased. It has no row until somebody looks for free extents, or the
/// transaction ends.</summary>
/// <remarks>
/// Those who wait together mostly want the same, and are given neighbours. Each is then one new row, where the rest would be a second one,
/// written only to be cut again. A search is saved, too: the extent was the smallest that is long enough, so what is left of it is.
/// </remarks>
/// <param name="Arena">The arena.</param>
/// <param name="Free">The rest.</param>
/// <param name="Least">It is the best fit for sizes from this on, as long as it holds them. 0: nobody knows.</param>
internal sealed record Remainder(int Arena, ExtentRow Free, UInt128 Least)
{
    /// <summary>Whether no other free extent can be the smallest that holds the request.</summary>
    public bool IsBestFor(LeaseRequest request) =>
        Arena == request.Arena && request.IsUnconstrained && Least != 0 && request.Size >= Least && request.Size <= Free.Size;
}
