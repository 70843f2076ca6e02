using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// What can be asked of a client.
public sealed unsafe partial class MemoryClient
{
    /// <summary>Figures of the client, exact at the time of the call. Of one that has been disposed of: what it did. O(cached sizes).</summary>
    public MemoryClientStatistics GetStatistics()
    {
        Enter();
        try
        {
            nuint cached = 0;
            long cachedBlocks = 0;
            for (int order = 0; order < _caches.Orders; order++)
            {
                int count = _caches.Items(order).Length;
                cachedBlocks += count;
                cached += (nuint)count << (order + _unitShift);
            }

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
                LiveBlocks = _disposed ? 0 : _allocations - _frees,
                Regions = _regions.Count,
                RegionsTaken = _regionsTaken,
                Allocations = _allocations,
                Frees = _frees,
                Failures = _failures,
                InternalWaste = _grantedEver == 0 ? 0 : 1 - ((double)_requestedEver / _grantedEver),
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
            Invariant.Hold(region.Owner == client, "a client's regions are its own", $"The region at {region.Offset} is listed by '{client.Name}'.");
            Invariant.Hold(client._granules[region.Offset >> client._granuleShift] == region, "the table knows every region", $"It does not know the one at {region.Offset}.");
            _regions++;
            _held += region.Size;
            if (region.IsLarge)
            {
                Invariant.Hold(region.LiveBlocks == 1, "a large block's region holds one block", $"The region at {region.Offset} counts {region.LiveBlocks}.");
                CountLive(region, region.Offset, region.Size);
                return;
            }

            int listed = region.Tree!.LargestFreeOrder + 1;
            Invariant.Hold(region.List == listed, "regions are listed by their largest free block", $"The one at {region.Offset} is in list {region.List} instead of {listed}.");
            region.Tree.Validate();
            VisitBlocks(region);
            _empty += region.LiveBlocks == 0 ? 1 : 0;
        }

        public readonly void Conclude()
        {
            Invariant.Hold(_regions == client._regions.Count, "regions are counted", $"{_regions} are listed, {client._regions.Count} were counted.");
            Invariant.Hold(_held == client._totalSize, "TotalSize is what the regions hold", $"They hold {_held}, the client counts {client._totalSize}.");
            Invariant.Hold(_inUse == client._inUse, "InUse is what live blocks take", $"They take {_inUse}, the client counts {client._inUse}.");
            Invariant.Hold(client._disposed || _live == client._allocations - client._frees, "live blocks are counted", $"{_live} live, {client._allocations} allocated, {client._frees} freed.");
            Invariant.Hold(_empty == client._emptyRegions, "empty regions are counted", $"{_empty} are empty, the client counts {client._emptyRegions}.");
            long cached = 0;
            for (int order = 0; order < client._caches.Orders; order++)
            {
                foreach (nuint offset in client._caches.Items(order))
                {
                    Region? region = client._granules[offset >> client._granuleShift];
                    Invariant.Hold(region?.Owner == client && !region.IsLarge, "cached blocks lie in the client's regions", $"The one at {offset} does not.");
                    long unit = (long)((offset - region!.Offset) >> client._unitShift);
                    bool found = region.Tree!.TryFind(unit, out long start, out int cachedOrder, out bool isFree);
                    Invariant.Hold(found && start == unit && cachedOrder == order && !isFree && !region.IsLive((nuint)unit), "a cached block is out of the tree and nobody's",
                        $"The one at {offset} is not.");
                    cached++;
                }
            }

            Invariant.Hold(cached == _notLive, "what trees gave out is live or cached", $"{_notLive} blocks are not live, {cached} are cached.");
        }

        private void VisitBlocks(Region region)
        {
            long units = (long)(region.Size >> client._unitShift);
            long live = 0;
            for (long unit = 0; unit < units;)
            {
                bool found = region.Tree!.TryFind(unit, out long start, out int order, out bool isFree);
                Invariant.Hold(found && start == unit, "blocks follow each other", $"None starts at unit {unit} of the region at {region.Offset}.");
                nuint offset = client.OffsetOf(region, unit);
                nuint length = (nuint)1 << (order + client._unitShift);
                bool isLive = region.IsLive((nuint)unit);
                Invariant.Hold(!(isLive && isFree), "a free block is nobody's", $"The one at {offset} is live.");
                long next = region.NextLive(unit + 1);
                Invariant.Hold(next < 0 || next >= unit + (1L << order), "no block starts inside another", $"One does at unit {next}, inside the one at {offset}.");
                if (isLive)
                {
                    live++;
                    CountLive(region, offset, length);
                }
                else
                {
                    _notLive += isFree ? 0 : 1;
                    CheckPoison(offset, length);
                }

                unit += 1L << order;
            }

            Invariant.Hold(live == region.LiveBlocks, "a region counts its live blocks", $"The one at {region.Offset} has {live} and counts {region.LiveBlocks}.");
        }

        private void CountLive(Region region, nuint offset, nuint length)
        {
            _live++;
            _inUse += length;
            if (client.Has(MemoryContextFeatures.GuardBytes))
            {
                nuint size = client.UsableLength(region, offset, length);
                long broken = Guard.FirstBroken(client._start + offset, size, length);
                Invariant.Hold(broken < 0, "guard bytes are intact", $"The block of {size} bytes at {client.AddressText(offset)} of client '{client.Name}' was written past its end, at byte {broken}.");
            }
        }

        private readonly void CheckPoison(nuint offset, nuint length)
        {
            if (client.Has(MemoryContextFeatures.PoisonOnFree))
            {
                long written = Poison.FirstOther(client._start + offset, length);
                Invariant.Hold(written < 0, "free memory is not written to", $"Byte {written} of the free block at {client.AddressText(offset)} of client '{client.Name}' was.");
            }
        }
    }
}
