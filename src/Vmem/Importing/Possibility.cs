using System.Numerics;
using Vmem.Ranges;
using Vmem.Space;

namespace Vmem.Importing;

/// <summary>Whether a request can ever be met. One that cannot is refused at once instead of waiting.</summary>
/// <remarks>
/// <para>
/// A request is possible if it has a place in some span, were everything free; or if an import could be as large as the limit leaves beside
/// the spans that were added, and the source could give it. A source that is an arena could if that is possible in it. Any other source is
/// assumed to be able to.
/// </para>
/// <para>
/// So an error is always right, and a wait for the impossible remains possible only for a source that never gives. Asked only when a call
/// would wait, and again of everybody queued when a span is removed, here or in an arena below, or takes up what the limit left for
/// imports.
/// </para>
/// </remarks>
internal readonly struct Possibility<T>(Space<T> space, Importer<T>? importer)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <param name="placement">The request.</param>
    /// <param name="unit">The unit of an arena above that would import it; 0: it is a request of this one.</param>
    public bool IsPossible(in Placement<T> placement, T unit)
    {
        T headroom = T.MaxValue;
        using (space.Visit())
        {
            if (space.Map.HasPlaceInSpans(placement))
            {
                return true;
            }

            if (!T.IsZero(space.Limit))
            {
                T added = space.Map.TotalSize - space.Map.Imported;
                headroom = added < space.Limit ? space.Limit - added : T.Zero;
            }
        }

        return importer is not null && importer.CouldImport(placement, unit, headroom);
    }

    public string NeverFits(T size) =>
        $"Arena '{space.Name}' will never have such a place for {size}, whatever is freed{(importer is null ? "" : " or imported")}: to wait would be to wait for ever.";
}
