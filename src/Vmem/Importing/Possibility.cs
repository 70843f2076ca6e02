using System.Numerics;
using Vmem.Ranges;
using Vmem.Space;

namespace Vmem.Importing;

/// <summary>Whether a request can ever be met. One that cannot is refused at once instead of waiting.</summary>
/// <remarks>
/// <para>
/// A request is possible if it has a place in some span, were everything free; or if an import could be as large as the limit leaves beside
/// the spans that were added, and the source could give it. A source that is an arena could if that is possible in it, and if there is a
/// place for the request itself in its spans or further below, as an import around a narrow window need not hold one. Any other source is
/// assumed to be able to.
/// </para>
/// <para>
/// So an error is always right, and a wait for the impossible remains possible only for a source that never gives. Asked only when a call
/// would wait, and again of everybody queued when a span is removed, here or in an arena below, or takes up what the limit left for
/// imports.
/// </para>
/// </remarks>
internal sealed class Possibility<T>(Space<T> space, Importer<T>? importer)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly IPossibleSource<T>? _below = space.Source as IPossibleSource<T>;

    /// <inheritdoc cref="IPossibleSource{T}.Removals"/>
    public long Removals => space.Removals + (_below?.Removals ?? 0);

    public bool IsPossible(in Placement<T> placement)
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

        if (importer is null || _below?.CouldHold(placement) == false)
        {
            return false;
        }

        for (int step = 0; step < ImportAsk<T>.Steps; step++)
        {
            if (importer.TryAsk(step, placement, out ImportAsk<T> ask) && ask.Size <= headroom && _below?.CouldGive(ask) != false)
            {
                return true;
            }
        }

        return false;
    }

    /// <inheritdoc cref="IPossibleSource{T}.CouldHold"/>
    public bool CouldHold(in Placement<T> placement)
    {
        using (space.Visit())
        {
            if (space.Map.HasPlaceInSpans(placement))
            {
                return true;
            }
        }

        return _below?.CouldHold(placement) ?? importer is not null;
    }

    /// <inheritdoc cref="IPossibleSource{T}.CouldGive"/>
    public bool CouldGive(in ImportAsk<T> ask) => IsPossible(new Placement<T>(space.RoundUp(ask.Size), ask.Constraints, space.Quantum));

    public string NeverFits(T size) =>
        $"Arena '{space.Name}' will never have such a place for {size}, whatever is freed{(importer is null ? "" : " or imported")}: to wait would be to wait for ever.";
}
