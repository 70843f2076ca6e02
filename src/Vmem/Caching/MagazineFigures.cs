namespace Vmem.Caching;

/// <summary>What a magazine cache holds and has done.</summary>
/// <param name="Items">Items in all magazines.</param>
/// <param name="Taken">Items taken, from magazines or from below.</param>
/// <param name="DepotTouches">How often a thread came to the depot.</param>
/// <param name="MagazineRounds">The size of new magazines.</param>
/// <param name="FullMagazines">Full magazines in the depot.</param>
/// <param name="EmptyMagazines">Empty magazines in the depot.</param>
/// <param name="Threads">Threads that have magazines.</param>
internal readonly record struct MagazineFigures(long Items, long Taken, long DepotTouches, int MagazineRounds, int FullMagazines,
    int EmptyMagazines, int Threads);
