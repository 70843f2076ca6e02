namespace Vmem.Caching;

/// <summary>A reference as an item of magazines.</summary>
/// <remarks>
/// An array of a class can be an array of a derived class, so each store into one is checked; an array of this struct is what it says. It
/// names no type either: all object caches of a process share one compiled <see cref="MagazineCache{TItem}"/>, whose code needs no look-up
/// of what its type parameter stands for.
/// </remarks>
internal readonly struct Slot(object item)
{
    public readonly object Item = item;
}
