using Vmem.Diagnostics;

namespace Vmem.Listing;

/// <summary>What a registry has of one kind, as views.</summary>
internal static class Listed
{
    /// <summary>All that are there at this moment, ordered by name and instance.</summary>
    public static IReadOnlyList<TView> Of<TView>(MeteredRegistry registry, Func<TView, string> nameOf, Func<TView, int> instanceOf) =>
        [.. registry.Present().OfType<IListed<TView>>().Select(static listed => listed.View)
            .OrderBy(nameOf, StringComparer.Ordinal).ThenBy(instanceOf)];
}
