namespace Vmem.Caching;

/// <summary>What watches over the items that a magazine takes in and gives out. Asked within the operation: while magazines are claimed,
/// it stands still, too.</summary>
internal interface IItemGuard<TItem>
{
    /// <summary>False: the item must not be given out, and is dropped.</summary>
    bool TryTake(TItem item);

    /// <summary>False: the item must not be taken in.</summary>
    bool TryGive(TItem item);

    /// <summary>Whether an item that lies in one of the owner's magazines is not to be taken in once more.</summary>
    bool Searches { get; }

    /// <summary>Whether an item seems to lie among the first of a magazine. The answer may be wrong either way.</summary>
    bool SeemsAmong(TItem[] items, int rounds, TItem item);
}

/// <summary>None.</summary>
internal readonly struct Unguarded<TItem> : IItemGuard<TItem>
{
    public bool TryTake(TItem item) => true;

    public bool TryGive(TItem item) => true;

    public bool Searches => false;

    public bool SeemsAmong(TItem[] items, int rounds, TItem item) => false;
}
