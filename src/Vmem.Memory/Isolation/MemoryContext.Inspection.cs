using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Memory.Diagnostics;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// What can be asked of a context.
public sealed unsafe partial class MemoryContext : IClientsMetered, IDumped
{
    /// <summary>Finds the client that holds the memory at an address, as a block or in reserve. O(1).</summary>
    /// <param name="address">Any address.</param>
    /// <param name="client">The client; null if none holds it.</param>
    /// <returns>Whether one does.</returns>
    public bool TryGetClient(void* address, [NotNullWhen(true)] out MemoryClient? client)
    {
        nuint granule = ((nuint)address - _map.Start) >> _map.Geometry.GranuleShift;
        client = granule < (nuint)_map.Granules.Length ? _map.Granules[granule]?.Owner : null;
        return client is not null;
    }

    /// <summary>The clients that exist, in the order of their creation. O(clients).</summary>
    public IReadOnlyList<MemoryClient> GetClients()
    {
        using (_gate.EnterScope())
        {
            return _clients.ToList();
        }
    }

    /// <summary>Takes back what clients hold without need, cached blocks and empty regions, drops the records of regions that nobody
    /// holds, and gives the memory that no client holds back to the system if the block is the context's own. O(clients + cached blocks +
    /// size / BlockSize); no lock is held for longer than 2 MiB take to go back.</summary>
    /// <returns>How many bytes came back to the context from its clients.</returns>
    public nuint Trim()
    {
        nuint trimmed = TrimClients();
        using (_gate.EnterScope())
        {
            _pool.Clear();
            _tables.Clear();
        }

        _ = _upkeep.DiscardFree();
        return trimmed;
    }

    /// <summary>Figures of the context, exact at the time of the call. O(1), but for the largest free piece, which the arena looks
    /// for.</summary>
    public MemoryContextStatistics GetStatistics()
    {
        using (_gate.EnterScope())
        {
            if (_disposed)
            {
                return new MemoryContextStatistics
                {
                    TotalSize = Size,
                    Free = Size,
                    LargestFree = Size,
                    ClientsCreated = (long)_clientsCreated,
                    ClientsDeleted = _clientsDeleted
                };
            }

            ArenaStatistics<nuint> arena = _arena.GetStatistics();
            return new MemoryContextStatistics
            {
                TotalSize = Size,
                InUse = arena.InUse,
                Free = arena.Free,
                Dirty = _upkeep.CountKept(arena.InUse),
                Decommitted = _pages.Decommitted,
                LargestFree = arena.LargestFree,
                PeakInUse = arena.PeakInUse,
                Clients = _clients.Count,
                Regions = _regions,
                ClientsCreated = (long)_clientsCreated,
                ClientsDeleted = _clientsDeleted,
                BytesZeroedOnHandOver = _pages.BytesZeroed,
                BookkeepingBytes = arena.BookkeepingBytes + _pool.BookkeepingBytes +
                    ((long)_map.Granules.Length * (IntPtr.Size + sizeof(ulong))) + (long)_map.Blocks.Units +
                    ((_clients.Count + _tables.Count) * ClientTables.BytesFor(_cacheCapacities)),
            };
        }
    }

    /// <summary>Writes a table of the clients and of what they hold. O(clients + regions).</summary>
    /// <param name="writer">Where the table goes.</param>
    public void Dump(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        MemoryContextStatistics context = GetStatistics();
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"context '{Name}' of {context.TotalSize} bytes, {context.InUse} in use, {context.Free} free (largest {context.LargestFree}), {context.Clients} clients, {context.Regions} regions"));
        writer.WriteLine($"{"client",-24} {"held",14} {"in use",14} {"cached",12} {"blocks",10} {"regions",8} {"quota",14} {"failures",9}");
        foreach (MemoryClient client in GetClients())
        {
            MemoryClientStatistics figures = client.GetStatistics();
            string quota = figures.Quota == 0 ? "none" : figures.Quota.ToString(CultureInfo.InvariantCulture);
            writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{figures.Name,-24} {figures.Held,14} {figures.InUse,14} {figures.Cached,12} {figures.LiveBlocks,10} {figures.Regions,8} {quota,14} {figures.Failures,9}"));
        }
    }

    /// <summary>Checks every invariant of the context and its clients, and the guard bytes and the poison where these features are on.
    /// O(units of the regions held).</summary>
    /// <exception cref="InvariantViolationException">One does not hold; the message says which.</exception>
    /// <exception cref="ObjectDisposedException">The context has been disposed of.</exception>
    public void Validate()
    {
        IReadOnlyList<MemoryClient> clients = GetClients();
        ILookup<MemoryClient?, MemoryClient> children = clients.ToLookup(client => client.Parent);
        foreach (MemoryClient client in clients)
        {
            client.Validate();
            nuint lent = 0;
            foreach (MemoryClient child in children[client])
            {
                lent += child.Held;
            }

            Invariant.Hold(lent == client.ChildrenHeld, "what clients within a client hold is counted", $"Those of '{client.Name}' hold {lent}, it counts {client.ChildrenHeld}.");
        }

        using (_gate.EnterScope())
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _arena.Validate();
            nuint held = 0;
            long regions = 0;
            for (int granule = 0; granule < _map.Granules.Length; granule++)
            {
                if (_map.Granules[granule] is not { } region)
                {
                    continue;
                }

                nuint offset = (nuint)granule << _map.Geometry.GranuleShift;
                Invariant.Hold(region.Owner is not null, "a region in the table has an owner", $"The granule at {offset} has none.");
                Invariant.Hold(offset - OffsetOf(region) < region.Size, "a granule lies in its region", $"The granule at {offset} is said to be in the region at {OffsetOf(region)}.");
                held += _map.Geometry.Granule;
                regions += offset == OffsetOf(region) ? 1 : 0;
            }

            Invariant.Hold(held == _arena.GetStatistics().InUse, "the table and the arena agree", $"In the table {held} bytes are held.");
            Invariant.Hold(regions == _regions, "regions are counted", $"{regions} are in the table, {_regions} were counted.");
        }
    }

    /// <summary>Lets every client give back what it does not need.</summary>
    internal nuint TrimClients()
    {
        nuint trimmed = 0;
        for (MemoryClient? client = FirstClient(); client is not null; client = ClientAfter(client))
        {
            trimmed += client.GiveBackReserve();
        }

        return trimmed;
    }

    /// <inheritdoc/>
    void IDumped.Write(TextWriter writer) => Dump(writer);

    /// <inheritdoc/>
    bool IMetered.TryRead(int figure, out long value)
    {
        MemoryContextStatistics figures = GetStatistics();
        value = (ContextFigure)figure switch
        {
            ContextFigure.Size => long.CreateSaturating(figures.TotalSize),
            ContextFigure.InUse => long.CreateSaturating(figures.InUse),
            ContextFigure.Free => long.CreateSaturating(figures.Free),
            ContextFigure.LargestFree => long.CreateSaturating(figures.LargestFree),
            ContextFigure.Fragmentation => (long)(figures.Fragmentation * 1e6),
            ContextFigure.Peak => long.CreateSaturating(figures.PeakInUse),
            ContextFigure.Dirty => long.CreateSaturating(figures.Dirty),
            ContextFigure.Decommitted => long.CreateSaturating(figures.Decommitted),
            ContextFigure.Clients => figures.Clients,
            _ => figures.ClientsCreated,
        };
        return true;
    }

    /// <inheritdoc/>
    int IClientsMetered.Instance => MemoryMetrics.Contexts.InstanceOf(_metered, Name);

    /// <inheritdoc/>
    void IClientsMetered.AddUp(ClientFigure figure, Dictionary<string, long> sums)
    {
        foreach (MemoryClient client in GetClients())
        {
            if (client.TryRead(figure, out long value))
            {
                sums[client.Name] = long.CreateSaturating((Int128)sums.GetValueOrDefault(client.Name) + value);
            }
        }
    }

    internal (nuint Free, nuint LargestFree) GetRoom()
    {
        using (_gate.EnterScope())
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            ArenaStatistics<nuint> arena = _arena.GetStatistics();
            return (arena.Free, arena.LargestFree);
        }
    }
}
