using System.Globalization;
using Vmem.Leasing;

namespace Vmem.Tool.Leases;

/// <summary>What the commands ask a store.</summary>
internal static class LeaseQueries
{
    public static async Task<IReadOnlyList<ArenaDocument>> ArenasAsync(LeaseStore store, CancellationToken cancellationToken)
    {
        List<ArenaDocument> documents = [];
        foreach (LeaseArena arena in await store.ListArenasAsync(cancellationToken))
        {
            LeaseUsage usage = await store.GetUsageAsync(arena.Id, cancellationToken);
            LeaseDefinition definition = arena.Definition;
            documents.Add(new ArenaDocument(arena.Name, definition.Type, Text(definition.Start), Text(definition.Size),
                Text(definition.Quantum), definition.Quarantine.ToString(), Text(usage.Free), Text(usage.Leased), Text(usage.Lapsed),
                Text(usage.Quarantined), Text(usage.LargestFree), usage.RoomAt, usage.HoldUntil));
        }

        return documents;
    }

    public static async Task<IReadOnlyList<ExtentDocument>> ExtentsAsync(LeaseStore store, string name, CancellationToken cancellationToken)
    {
        LeaseArena arena = await FindAsync(store, name, cancellationToken);
        return [.. (await store.ListAsync(arena.Id, cancellationToken)).Select(extent => new ExtentDocument(Text(extent.Start),
            Text(extent.Size), extent.State.ToString(), OrNull(extent.Session), extent.Owner, extent.Fence, extent.Since,
            extent.Watermark))];
    }

    public static async Task<IReadOnlyList<SessionDocument>> SessionsAsync(LeaseStore store, CancellationToken cancellationToken) =>
        [.. (await store.ListSessionsAsync(cancellationToken)).Select(session => new SessionDocument(session.Session, session.Owner,
            session.Stage.ToString(), session.Ttl.ToString(), session.ExpiresAt, session.Beat, session.Held))];

    /// <summary>A page of the audit: the newest entries, or those that follow a number.</summary>
    /// <remarks>The owner of a session that is over is known only if its beginning is on the page.</remarks>
    public static async Task<IReadOnlyList<AuditDocument>> AuditAsync(LeaseStore store, string name, long? after, int limit,
        CancellationToken cancellationToken)
    {
        LeaseArena arena = await FindAsync(store, name, cancellationToken);
        var owners = (await store.ListSessionsAsync(cancellationToken)).ToDictionary(static session => session.Session,
            static session => session.Owner);
        IReadOnlyList<LeaseAuditEntry> page = after is { } number
            ? await store.ReadAuditAsync(arena.Id, number, limit, cancellationToken)
            : await store.ReadNewestAuditAsync(arena.Id, limit, cancellationToken);
        List<AuditDocument> documents = [];
        foreach (LeaseAuditEntry entry in page)
        {
            Name(owners, entry);
            documents.Add(new AuditDocument(entry.Number, entry.At, entry.Event.ToString(), entry.Size == 0 ? null : Text(entry.Start),
                entry.Size == 0 ? null : Text(entry.Size), OrNull(entry.Session), owners.GetValueOrDefault(entry.Session, ""),
                entry.Fence, entry.Event == LeaseEvent.Open ? "" : entry.Detail));
        }

        return documents;
    }

    /// <summary>Who had a value, one after the other.</summary>
    public static async Task<IReadOnlyList<TenureDocument>> TenuresAsync(LeaseStore store, string name, UInt128 value,
        CancellationToken cancellationToken)
    {
        LeaseArena arena = await FindAsync(store, name, cancellationToken);
        if (value < arena.Definition.Start || value - arena.Definition.Start >= arena.Definition.Size)
        {
            throw new LeaseAddressException($"{value} is no value of arena '{name}', which is {arena.Definition}");
        }

        List<TenureDocument> tenures = [];
        foreach (LeaseAuditEntry entry in await store.ReadHistoryAsync(arena.Id, value, int.MaxValue, cancellationToken))
        {
            if (entry.Event is LeaseEvent.Grant or LeaseEvent.Reassert)
            {
                tenures.Add(new TenureDocument(entry.Session, entry.Owner, Text(entry.Start), Text(entry.Size), entry.Fence, entry.At, null,
                    "held"));
            }
            else if (entry.Event is LeaseEvent.Release or LeaseEvent.Reclaim && tenures.Count > 0 && tenures[^1].Fence == entry.Fence)
            {
                string end = entry.Event == LeaseEvent.Reclaim ? "reclaimed: the holder died" : $"released, {entry.Detail}";
                tenures[^1] = tenures[^1] with { Until = entry.At, End = end };
            }
        }

        return tenures;
    }

    public static async Task<IReadOnlyList<FaultDocument>> FaultsAsync(LeaseStore store, string? name, CancellationToken cancellationToken)
    {
        List<FaultDocument> documents = [];
        IReadOnlyList<LeaseArena> arenas = name is null
            ? await store.ListArenasAsync(cancellationToken)
            : [await FindAsync(store, name, cancellationToken)];
        foreach (LeaseArena arena in arenas)
        {
            IReadOnlyList<string> faults = await store.ValidateAsync(arena.Id, cancellationToken);
            documents.AddRange(faults.Select(fault => new FaultDocument(arena.Name, fault)));
        }

        return documents;
    }

    /// <summary>Takes the lease of a value from its holder: into quarantine, never straight to free.</summary>
    public static async Task<LeaseExtent> ReleaseAsync(LeaseStore store, string name, UInt128 value, CancellationToken cancellationToken)
    {
        LeaseArena arena = await FindAsync(store, name, cancellationToken);
        LeaseExtent? extent = (await store.ListAsync(arena.Id, cancellationToken)).FirstOrDefault(
            extent => extent.State == LeaseExtentState.Leased && value >= extent.Start && value - extent.Start < extent.Size);
        if (extent is null)
        {
            throw new LeaseAddressException($"{value} of arena '{name}' is not leased");
        }

        LeaseClaim claim = new(arena.Id, extent.Session, extent.Start, extent.Size, extent.Fence, Guid.Empty);
        return await store.ReleaseAsync(claim, clean: false, null, cancellationToken)
            ? extent
            : throw new LeaseAddressException($"{value} of arena '{name}' was given back or leased anew meanwhile: nothing was changed");
    }

    /// <summary>An arena that is there. The store's own error would tell a program's author how to make it.</summary>
    private static async Task<LeaseArena> FindAsync(LeaseStore store, string name, CancellationToken cancellationToken) =>
        (await store.ListArenasAsync(cancellationToken)).FirstOrDefault(arena => arena.Name == name)
        ?? throw new LeaseAddressException(
            $"there is no arena '{name}': \"vmem lease list\" shows what there is, and \"vmem lease init\" makes one");

    private static void Name(Dictionary<Guid, string> owners, LeaseAuditEntry entry)
    {
        if (entry.Event == LeaseEvent.Open)
        {
            owners[entry.Session] = entry.Detail;
        }
    }

    private static Guid? OrNull(Guid session) => session == Guid.Empty ? null : session;

    private static string Text(UInt128 value) => value.ToString(CultureInfo.InvariantCulture);
}
