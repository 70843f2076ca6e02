using Vmem.Checks;

namespace Vmem.Memory.Isolation;

/// <summary>What a client's regions hold, counted block by block, against what the client believes.</summary>
internal ref struct ClientCensus(MemoryClient client, ContextMap map, BlockContents contents)
{
    private nuint _held;
    private long _live;
    private int _empty;
    private int _regions;
    private long _notLive;                        // given out by the trees, but not the user's

    /// <summary>The bytes of the live blocks that were visited.</summary>
    public nuint InUse { get; private set; }

    public void Visit(in FreeBlocks free)
    {
        ClientRegions regions = free.Regions;
        for (Region? region = regions.First; region is not null; region = regions.After(region))
        {
            Visit(region);
        }

        Invariant.Hold(_regions == regions.Count, "regions are counted", $"{_regions} are listed, {regions.Count} were counted.");
        Invariant.Hold(_held == regions.TotalSize, "TotalSize is what the regions hold", $"They hold {_held}, the client counts {regions.TotalSize}.");
        Invariant.Hold(_live == regions.CountLive(), "live blocks are counted", $"{_live} are live, {regions.CountLive()} are counted.");
        Invariant.Hold(_empty == regions.Empty, "empty regions are counted", $"{_empty} are empty, the client counts {regions.Empty}.");
        VisitCached(free.Caches);
    }

    private void Visit(Region region)
    {
        Invariant.Hold(region.Owner == client, "a client's regions are its own", $"The region at {map.TextOf(region.FirstUnit)} is listed by '{client.Name}'.");
        Invariant.Hold(map.RegionAt(region.FirstUnit) == region, "the table knows every region", $"It does not know the one at {map.TextOf(region.FirstUnit)}.");
        _regions++;
        _held += region.Size;
        if (region.Tree is not { } tree)
        {
            Invariant.Hold(region.LiveBlocks == 1, "a large block's region holds one block", $"The region at {map.TextOf(region.FirstUnit)} counts {region.LiveBlocks}.");
            Invariant.Hold(map.Blocks.At(region.FirstUnit) == BlockMap.Large, "the map knows large blocks", $"It does not know the one at {map.TextOf(region.FirstUnit)}.");
            VisitLive(new Block(region, region.FirstUnit, region.Size));
            return;
        }

        int listed = RegionLists.ListFor(region);
        Invariant.Hold(region.List == listed, "regions are listed by their largest free block", $"The one at {map.TextOf(region.FirstUnit)} is in list {region.List} instead of {listed}.");
        tree.Validate();
        VisitBlocks(region);
        _empty += region.LiveBlocks == 0 ? 1 : 0;
    }

    private void VisitBlocks(Region region)
    {
        int unitShift = map.Geometry.UnitShift;
        nuint end = region.FirstUnit + (region.Size >> unitShift);
        long live = 0;
        for (nuint unit = region.FirstUnit; unit < end;)
        {
            long local = (long)(unit - region.FirstUnit);
            bool found = region.Tree!.TryFind(local, out long start, out int order, out bool isFree);
            Invariant.Hold(found && start == local, "blocks follow each other", $"None starts at {map.TextOf(unit)}.");
            nuint units = (nuint)1 << order;
            int mapped = map.Blocks.At(unit);
            Invariant.Hold(mapped == 0 || (mapped == order + 1 && !isFree), "the map and the tree agree", $"At {map.TextOf(unit)} the map says {mapped}, the tree order {order}.");
            Invariant.Hold(map.Blocks.IsClear(unit + 1, units - 1), "no block starts inside another", $"One does inside the one at {map.TextOf(unit)}.");
            if (mapped != 0)
            {
                live++;
                VisitLive(new Block(region, unit, units << unitShift));
            }
            else
            {
                _notLive += isFree ? 0 : 1;
                bool isWritten = contents.TryFindWritten(map.AddressOf(unit), units << unitShift, out nuint at);
                Invariant.Hold(!isWritten, "free memory is not written to", $"Byte {at - map.AddressOf(unit)} of the free block at {map.TextOf(unit)} of client '{client.Name}' was.");
            }

            unit += units;
        }

        Invariant.Hold(live == region.LiveBlocks, "a region counts its live blocks", $"The one at {map.TextOf(region.FirstUnit)} has {live} and counts {region.LiveBlocks}.");
    }

    private void VisitLive(in Block block)
    {
        _live++;
        InUse += block.Length;
        bool isBroken = contents.TryFindBroken(block, out nuint at);
        Invariant.Hold(!isBroken, "guard bytes are intact", $"The block of {contents.UsableLength(block)} bytes at {map.TextOf(block.Unit)} of client '{client.Name}' was written past its end, at byte {at - map.AddressOf(block.Unit)}.");
    }

    private readonly void VisitCached(BlockCaches caches)
    {
        long cached = 0;
        for (int order = 0; order < caches.Orders; order++)
        {
            foreach (nuint block in caches.Blocks(order))
            {
                nuint unit = map.UnitOf(block);
                Region? region = map.RegionAt(unit);
                Invariant.Hold(region?.Owner == client && !region.IsLarge, "cached blocks lie in the client's regions", $"The one at {map.TextOf(unit)} does not.");
                long local = (long)(unit - region!.FirstUnit);
                bool found = region.Tree!.TryFind(local, out long start, out int cachedOrder, out bool isFree);
                Invariant.Hold(found && start == local && cachedOrder == order && !isFree && map.Blocks.At(unit) == 0,
                    "a cached block is out of the tree and nobody's", $"The one at {map.TextOf(unit)} is not.");
                cached++;
            }
        }

        Invariant.Hold(cached == _notLive, "what trees gave out is live or cached", $"{_notLive} blocks are not live, {cached} are cached.");
    }
}
