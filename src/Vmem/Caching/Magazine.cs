namespace Vmem.Caching;

/// <summary>An array of items used as a stack: the unit in which a cache deals with its threads.</summary>
/// <param name="Items">The array; its length is the magazine's capacity, M.</param>
/// <param name="Rounds">How many items are in it, from the front.</param>
internal readonly record struct Magazine<TItem>(TItem[] Items, int Rounds)
{
    /// <summary>No magazine: nothing can be taken from it or put into it.</summary>
    public static Magazine<TItem> None => new([], 0);

    public ReadOnlySpan<TItem> Contents => Items.AsSpan(0, Rounds);

    public bool Contains(TItem item) => Array.IndexOf(Items, item, 0, Rounds) >= 0;

    public bool IsFull => Rounds == Items.Length;
}
