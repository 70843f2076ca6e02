using System.Numerics;
using Vmem.Ranges;

namespace Vmem.Importing;

/// <summary>A source that knows what it could ever give: an arena.</summary>
internal interface IPossibleSource<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Changes whenever something goes that a request may have counted on, here or below.</summary>
    long Removals { get; }

    /// <summary>Whether there is a place in some span, here or below, were everything free.</summary>
    bool CouldHold(in Placement<T> placement);

    /// <summary>Whether an import could ever be given.</summary>
    bool CouldGive(in ImportAsk<T> ask);
}
