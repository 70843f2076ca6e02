using Vmem.Checks;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// What can be asked of a client.
public sealed unsafe partial class MemoryClient
{
    /// <summary>Figures of the client, exact at the time of the call. Of one that has been disposed of: what it did. O(regions).</summary>
    public MemoryClientStatistics GetStatistics()
    {
        Enter();
        try
        {
            nuint cached = 0;
            long cachedBlocks = 0;
            for (int order = 0; order < _caches.Orders; order++)
            {
                int count = _caches.Blocks(order).Length;
                cachedBlocks += count;
                cached += (nuint)count << (order + _unitShift);
            }

            long live = CountLive();
            int largest = _regions.LargestFreeOrder;
            return new MemoryClientStatistics
            {
                Name = Name,
                Quota = Quota,
                TotalSize = _totalSize,
                InUse = _inUse,
                PeakInUse = _peakInUse,
                Cached = cached,
                CachedBlocks = cachedBlocks,
                Free = _totalSize - _inUse - cached,
                LargestFree = largest < 0 ? 0 : (nuint)1 << (largest + _unitShift),
                LiveBlocks = live,
                Regions = _regions.Count,
                RegionsTaken = _regionsTaken,
                Allocations = _allocations,
                Frees = _allocations - live - _leaked,
                Failures = _failures,
                InternalWaste = _allocations == 0 ? 0 : 1 - ((double)_requestedEver / (_inUse + _freedEver - (ulong)_grownEver)),
            };
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Checks every invariant of the client's. O(units of its regions).</summary>
    internal void Validate()
    {
        Enter();
        try
        {
            var census = new ClientCensus(this);
            for (Region? region = _regions.First; region is not null; region = _regions.After(region))
            {
                census.Visit(region);
            }

            census.Conclude();
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>What the client's regions hold, counted block by block, against what the client believes.</summary>
    private ref struct ClientCensus(MemoryClient client)
    {
        private nuint _held;
        private nuint _inUse;
        private long _live;
        private int _empty;
        private int _regions;
        private long _notLive;                    // given out by the trees, but not the user's

        public void Visit(Region region)
        {
            Invariant.Hold(region.Owner == client, "a client's regions are its own", $"The region at {client.AddressText(region.FirstUnit)} is listed by '{client.Name}'.");
            Invariant.Hold(client.RegionAt(region.FirstUnit) == region, "the table knows every region", $"It does not know the one at {client.AddressText(region.FirstUnit)}.");
            _regions++;
            _held += region.Size;
            if (region.IsLarge)
            {
                Invariant.Hold(region.LiveBlocks == 1, "a large block's region holds one block", $"The region at {client.AddressText(region.FirstUnit)} counts {region.LiveBlocks}.");
                Invariant.Hold(client._blocks.At(region.FirstUnit) == BlockMap.Large, "the map knows large blocks", $"It does not know the one at {client.AddressText(region.FirstUnit)}.");
                CountLive(new Block(region, region.FirstUnit, region.Size));
                return;
            }

            int listed = region.Tree!.LargestFreeOrder + 1;
            Invariant.Hold(region.List == listed, "regions are listed by their largest free block", $"The one at {client.AddressText(region.FirstUnit)} is in list {region.List} instead of {listed}.");
            region.Tree.Validate();
            VisitBlocks(region);
            _empty += region.LiveBlocks == 0 ? 1 : 0;
        }

        public readonly void Conclude()
        {
            Invariant.Hold(_regions == client._regions.Count, "regions are counted", $"{_regions} are listed, {client._regions.Count} were counted.");
            Invariant.Hold(_held == client._totalSize, "TotalSize is what the regions hold", $"They hold {_held}, the client counts {client._totalSize}.");
            Invariant.Hold(_inUse == client._inUse, "InUse is what live blocks take", $"They take {_inUse}, the client counts {client._inUse}.");
            Invariant.Hold(_live == client.CountLive(), "live blocks are counted", $"{_live} are live, {client.CountLive()} are counted.");
            Invariant.Hold(_empty == client._emptyRegions, "empty regions are counted", $"{_empty} are empty, the client counts {client._emptyRegions}.");
            long cached = 0;
            for (int order = 0; order < client._caches.Orders; order++)
            {
                foreach (nuint block in client._caches.Blocks(order))
                {
                    nuint unit = client.UnitOf(block);
                    Region? region = client.RegionOrNull(unit);
                    Invariant.Hold(region?.Owner == client && !region.IsLarge, "cached blocks lie in the client's regions", $"The one at {client.AddressText(unit)} does not.");
                    long local = (long)(unit - region!.FirstUnit);
                    bool found = region.Tree!.TryFind(local, out long start, out int cachedOrder, out bool isFree);
                    Invariant.Hold(found && start == local && cachedOrder == order && !isFree && client._blocks.At(unit) == 0,
                        "a cached block is out of the tree and nobody's", $"The one at {client.AddressText(unit)} is not.");
                    cached++;
                }
            }

            Invariant.Hold(cached == _notLive, "what trees gave out is live or cached", $"{_notLive} blocks are not live, {cached} are cached.");
        }

        private void VisitBlocks(Region region)
        {
            nuint end = region.FirstUnit + (region.Size >> client._unitShift);
            long live = 0;
            for (nuint unit = region.FirstUnit; unit < end;)
            {
                long local = (long)(unit - region.FirstUnit);
                bool found = region.Tree!.TryFind(local, out long start, out int order, out bool isFree);
                Invariant.Hold(found && start == local, "blocks follow each other", $"None starts at {client.AddressText(unit)}.");
                nuint units = (nuint)1 << order;
                int mapped = client._blocks.At(unit);
                Invariant.Hold(mapped == 0 || (mapped == order + 1 && !isFree), "the map and the tree agree", $"At {client.AddressText(unit)} the map says {mapped}, the tree order {order}.");
                Invariant.Hold(client._blocks.IsClear(unit + 1, units - 1), "no block starts inside another", $"One does inside the one at {client.AddressText(unit)}.");
                if (mapped != 0)
                {
                    live++;
                    CountLive(new Block(region, unit, units << client._unitShift));
                }
                else
                {
                    _notLive += isFree ? 0 : 1;
                    CheckPoison(unit, units << client._unitShift);
                }

                unit += units;
            }

            Invariant.Hold(live == region.LiveBlocks, "a region counts its live blocks", $"The one at {client.AddressText(region.FirstUnit)} has {live} and counts {region.LiveBlocks}.");
        }

        private void CountLive(in Block block)
        {
            _live++;
            _inUse += block.Length;
            if (client.Has(MemoryContextFeatures.GuardBytes))
            {
                nuint size = client.UsableLength(block);
                long broken = Guard.FirstBroken(client.AddressOf(block.Unit), size, block.Length);
                Invariant.Hold(broken < 0, "guard bytes are intact", $"The block of {size} bytes at {client.AddressText(block.Unit)} of client '{client.Name}' was written past its end, at byte {broken}.");
            }
        }

        private readonly void CheckPoison(nuint unit, nuint length)
        {
            if (client.Has(MemoryContextFeatures.PoisonOnFree))
            {
                long written = Poison.FirstOther(client.AddressOf(unit), length);
                Invariant.Hold(written < 0, "free memory is not written to", $"Byte {written} of the free block at {client.AddressText(unit)} of client '{client.Name}' was.");
            }
        }
    }
}
