namespace Vmem;

/// <summary>Which of the free segments that can hold a request is taken (the paper's VM_INSTANTFIT, VM_BESTFIT and VM_NEXTFIT, and
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

    /// <summary>
    /// What was freed longest ago: for IDs that are to be used again as late as possible, whatever other calls come between. Of requests
    /// for one quantum this is exact. A longer one begins where the range does that was freed first, or includes its beginning; if too
    /// little is free there, the next ranges are looked at, and behind four of them any good fit will do. With constraints the lowest place
    /// is taken then. What was free before the first such request is older, in address order; an arena whose policy it is knows the order
    /// from its beginning, and keeps it in snapshots. O(log n) in the free segments and in what was freed apart.
    /// </summary>
    /// <remarks>Each range that was freed and not taken since costs some 45 bytes, and every call keeps the order. A call that takes up
    /// many of them at once takes a step for each. Another arena keeps the order while such requests come; if it is long without one, the
    /// order begins anew.</remarks>
    OldestFit,

    /// <summary>
    /// Any place, drawn at random: for IDs and ports that nobody is to foretell. Of requests for one quantum every free one that the
    /// constraints allow is equally likely, by numbers that cannot be computed from those seen before; so is every place of longer
    /// requests and of those with an alignment, as long as one in some eight free quanta stands for a place. Where places are rarer, those
    /// behind much that is no place become likelier. O(log n) in the free segments.
    /// </summary>
    /// <remarks>With <see cref="ArenaOptions{T}.RandomSeed"/> the same calls get the same places, and who knows the seed knows
    /// them.</remarks>
    RandomFit,
}
