namespace Vmem;

/// <summary>Which of the free segments that can hold a request is taken (the paper's VM_INSTANTFIT, VM_BESTFIT and VM_NEXTFIT, and two
/// more).</summary>
public enum FitPolicy
{
    /// <summary>
    /// A good approximation to best fit in constant time: the head of the first size-segregated free list whose every member fits.
    /// The list that only <em>may</em> hold a fit is searched before the request fails. The default.
    /// </summary>
    InstantFit,

    /// <summary>The smallest free segment that fits; among equals the one at the lowest address. O(log n) in the free segments.</summary>
    BestFit,

    /// <summary>
    /// The first place at or after the end of the last next-fit allocation, wrapping at the end. Between two allocations of the same ID
    /// every other ID that is free all the while is handed out, whatever else happens: requests for one quantum pass over nothing that is
    /// free. What allocations under other policies take, at given places, by resizing, or what is freed does not change where the next one
    /// begins, nor does a snapshot. Longer requests and those with constraints pass over what does not suit them; the next of these goes on
    /// behind them, and the requests for one quantum where they were. O(log n).
    /// </summary>
    NextFit,

    /// <summary>The lowest address that fits. O(log n) in the free segments.</summary>
    FirstFit,

    /// <summary>The highest address that fits (illumos' VM_ENDALLOC). O(log n) in the free segments.</summary>
    LastFit,
}
