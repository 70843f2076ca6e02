using System.Diagnostics;
using Vmem.Leasing.Stores;

namespace Vmem.Leasing;

/// <summary>An engine that keeps leases: who holds which part of which arena, until when, under which fence.</summary>
/// <remarks>
/// <para>
/// Sessions and arenas of this package are written against this class alone. Programs seldom call it; tools and new engines do. The
/// conformance suite (<c>tests/Vmem.Leasing.Conformance</c> in the repository) is the contract as tests: an engine inherits it.
/// </para>
/// <para>What every engine promises:</para>
/// <list type="bullet">
/// <item>Each operation is one transaction. It happens as a whole or not at all, and needs nothing from the call before (R0).</item>
/// <item>Only the engine's clock decides about expiry. It is read after the locks were taken (R1).</item>
/// <item>The extents of an arena tile it: each value is free, leased or quarantined, exactly once (R2).</item>
/// <item>A session that falls silent lapses, and dies a quarantine later; each step is stamped. A renewal in between revives it
/// (R3).</item>
/// <item>After a failover nothing is granted or reclaimed for two phases of the longest quarantine, and fences jump (R4).</item>
/// <item>Release, reassertion and mark name session and fence. If either is not the extent's, nothing changes (R8).</item>
/// <item>A grant that is asked for again under the same request ID is the same grant (R11).</item>
/// </list>
/// <para>All members are safe for concurrent use. A cancelled or failed call may have happened: its outcome is unknown.</para>
/// <para>Rejected: an abstraction below this one, such as keys and locks. Then the rules would be written anew above each engine, and no
/// engine could prove them.</para>
/// </remarks>
[DebuggerDisplay("{GetType().Name,nq}")]
public abstract class LeaseStore : IAsyncDisposable
{
    /// <summary>What the store is, and whether a hold is on.</summary>
    /// <param name="cancellationToken">Ends the call; the outcome is then unknown, as for all operations.</param>
    /// <returns>The information.</returns>
    public abstract ValueTask<LeaseStoreInfo> GetInfoAsync(CancellationToken cancellationToken = default);

    /// <summary>Finds an arena, or makes it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="definition">What it is to be. It is made if it is absent; else it must agree. Null: it must exist.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The arena.</returns>
    /// <exception cref="LeaseDefinitionException">It does not exist and no definition was given, or it is another than that, or the
    /// definition is none.</exception>
    public abstract ValueTask<LeaseArena> EnsureArenaAsync(string name, LeaseDefinition? definition = null,
        CancellationToken cancellationToken = default);

    /// <summary>Begins a session.</summary>
    /// <param name="session">Who it is: a number drawn at random when the process started, never a name (R7).</param>
    /// <param name="owner">For people. It identifies nobody.</param>
    /// <param name="ttl">How long silence is believed.</param>
    /// <param name="latest">See <see cref="RenewAsync"/>.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The store's incarnation.</returns>
    /// <exception cref="LeaseSessionException">A session of that number exists or existed.</exception>
    public abstract ValueTask<int> OpenSessionAsync(Guid session, string owner, TimeSpan ttl, long latest,
        CancellationToken cancellationToken = default);

    /// <summary>Prolongs a session by its TTL, whatever it holds. One that has lapsed is revived.</summary>
    /// <param name="session">The session.</param>
    /// <param name="latest">The holder promises to use no time beyond this before its next renewal, in milliseconds since 1970. It becomes
    /// the watermark of what the session leaves behind if it dies.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>Null: the session is dead, for ever, or unknown.</returns>
    public abstract ValueTask<LeaseRenewal?> RenewAsync(Guid session, long latest, CancellationToken cancellationToken = default);

    /// <summary>Ends a session and releases all that it holds. The watermark of each lease that it did not mark is the time that the
    /// session promised not to pass.</summary>
    /// <param name="session">The session. If it is unknown or dead, nothing happens.</param>
    /// <param name="clean">See <see cref="ReleaseAsync"/>.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>A task for the call.</returns>
    public abstract ValueTask CloseSessionAsync(Guid session, bool clean, CancellationToken cancellationToken = default);

    /// <summary>Leases a part of an arena to a session.</summary>
    /// <param name="request">What is wanted.</param>
    /// <param name="cancellationToken">Ends the call; asking the same again then has the same outcome.</param>
    /// <returns>The grant, or why there is none.</returns>
    /// <remarks>The smallest free extent that is long enough is taken, of equal ones the lowest. Its cost does not grow with the number of
    /// extents, but for constraints.</remarks>
    /// <exception cref="LeaseDefinitionException">The arena is unknown; the size is no multiple of its quantum; or its quarantine is
    /// shorter than the session's TTL.</exception>
    public abstract ValueTask<LeaseAnswer> GrantAsync(LeaseRequest request, CancellationToken cancellationToken = default);

    /// <summary>Leases several parts of an arena to a session. In an engine that can, it is one transaction: one wait for the
    /// disk.</summary>
    /// <param name="requests">What is wanted, of one arena and by one session. Each is met or refused by itself, in this order.</param>
    /// <param name="cancellationToken">Ends the call; asking the same again then has the same outcome.</param>
    /// <returns>The answers, in the same order.</returns>
    /// <remarks>An engine that does not override this asks for one after the other.</remarks>
    /// <exception cref="ArgumentException">They are of several arenas or sessions.</exception>
    /// <exception cref="LeaseDefinitionException">See <see cref="GrantAsync"/>. Nothing more was granted than those before the one that is
    /// refused.</exception>
    public virtual async ValueTask<IReadOnlyList<LeaseAnswer>> GrantManyAsync(IReadOnlyList<LeaseRequest> requests,
        CancellationToken cancellationToken = default)
    {
        CheckSame(requests);
        var answers = new LeaseAnswer[requests.Count];
        for (int i = 0; i < answers.Length; i++)
        {
            answers[i] = await GrantAsync(requests[i], cancellationToken).ConfigureAwait(false);
        }

        return answers;
    }

    /// <summary>Gives back a whole lease.</summary>
    /// <param name="claim">The lease. If session, size or fence is not that of the extent, nothing changes.</param>
    /// <param name="clean">True: nobody uses its values any more, and they can be leased at once. False: they are quarantined
    /// first.</param>
    /// <param name="watermark">What the next holder is told. Null: no more than is known; and if it is not clean, nor was it ever marked,
    /// the time that the session promised not to pass.</param>
    /// <param name="cancellationToken">Ends the call; it may be repeated.</param>
    /// <returns>Whether it was held so.</returns>
    public abstract ValueTask<bool> ReleaseAsync(LeaseClaim claim, bool clean, long? watermark = null,
        CancellationToken cancellationToken = default);

    /// <summary>Everything that a session holds.</summary>
    /// <param name="session">The session.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The leases, with the request ID of each.</returns>
    public abstract ValueTask<IReadOnlyList<LeaseClaim>> GetHeldAsync(Guid session, CancellationToken cancellationToken = default);

    /// <summary>Tells the store of a lease that it lost in a failover. It is taken up only during the hold, and only into free
    /// space.</summary>
    /// <param name="claim">The lease.</param>
    /// <param name="cancellationToken">Ends the call; it may be repeated.</param>
    /// <returns>What came of it.</returns>
    public abstract ValueTask<LeaseReassertion> ReassertAsync(LeaseClaim claim, CancellationToken cancellationToken = default);

    /// <summary>Reserves a watermark: the next holder is told at least this. It never goes back.</summary>
    /// <param name="claim">The lease.</param>
    /// <param name="watermark">The last value of its own order, mostly a time, that the holder may use.</param>
    /// <param name="cancellationToken">Ends the call; it may be repeated.</param>
    /// <returns>False: the lease is not held so, and nothing was changed.</returns>
    public abstract ValueTask<bool> MarkAsync(LeaseClaim claim, long watermark, CancellationToken cancellationToken = default);

    /// <summary>Lapses and buries silent sessions, reclaims what dead ones held, and frees what was quarantined for long enough.</summary>
    /// <param name="arena">The arena of which extents are reclaimed and freed.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>How much became free; 0 during a hold.</returns>
    public abstract ValueTask<UInt128> SweepAsync(int arena, CancellationToken cancellationToken = default);

    /// <summary>How much of an arena is free, leased and quarantined, and until when.</summary>
    /// <param name="arena">The arena.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The figures of one moment.</returns>
    public abstract ValueTask<LeaseUsage> GetUsageAsync(int arena, CancellationToken cancellationToken = default);

    /// <summary>The extents of an arena, in order of address.</summary>
    /// <param name="arena">The arena.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>All of them, at one moment.</returns>
    public abstract ValueTask<IReadOnlyList<LeaseExtent>> ListAsync(int arena, CancellationToken cancellationToken = default);

    /// <summary>What happened to an arena and its holders, in order. Written with what it records.</summary>
    /// <param name="arena">The arena. Events of sessions and of the server, which concern all arenas, are included.</param>
    /// <param name="after">Only entries with a larger number.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The entries.</returns>
    public abstract ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadAuditAsync(int arena, long after = 0, int limit = 1000,
        CancellationToken cancellationToken = default);

    /// <summary>The last that happened to an arena and its holders, in order.</summary>
    /// <param name="arena">The arena. Events of sessions and of the server, which concern all arenas, are included.</param>
    /// <param name="limit">At most so many: the newest.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The entries.</returns>
    /// <remarks>An engine that does not override this reads the whole audit for it.</remarks>
    public virtual async ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadNewestAuditAsync(int arena, int limit = 1000,
        CancellationToken cancellationToken = default)
    {
        Queue<LeaseAuditEntry> newest = [];
        await foreach (LeaseAuditEntry entry in LeaseAuditPages.ReadAsync(this, arena, cancellationToken).ConfigureAwait(false))
        {
            newest.Enqueue(entry);
            if (newest.Count > limit)
            {
                newest.Dequeue();
            }
        }

        return [.. newest];
    }

    /// <summary>What happened to one value, in order: each entry of the audit that has it in its range, with its owner.</summary>
    /// <param name="arena">The arena.</param>
    /// <param name="value">The value.</param>
    /// <param name="limit">At most so many: the newest.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The entries.</returns>
    /// <remarks>A database finds them by an index. Its cost grows with the number of different sizes that were ever leased, and not with
    /// the audit. An engine that does not override this reads the whole audit for it.</remarks>
    public virtual async ValueTask<IReadOnlyList<LeaseAuditEntry>> ReadHistoryAsync(int arena, UInt128 value, int limit = 1000,
        CancellationToken cancellationToken = default)
    {
        Queue<LeaseAuditEntry> newest = [];
        Dictionary<Guid, string> owners = [];
        await foreach (LeaseAuditEntry entry in LeaseAuditPages.ReadAsync(this, arena, cancellationToken).ConfigureAwait(false))
        {
            if (entry.Event == LeaseEvent.Open)
            {
                owners[entry.Session] = entry.Detail;
            }

            if (entry.Covers(value))
            {
                newest.Enqueue(entry with { Owner = owners.GetValueOrDefault(entry.Session, "") });
                if (newest.Count > limit)
                {
                    newest.Dequeue();
                }
            }
        }

        return [.. newest];
    }

    /// <summary>Checks every invariant of an arena.</summary>
    /// <param name="arena">The arena.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>What is wrong, in words; empty if nothing is.</returns>
    public abstract ValueTask<IReadOnlyList<string>> ValidateAsync(int arena, CancellationToken cancellationToken = default);

    /// <summary>All arenas of the store.</summary>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The arenas, in order of their numbers.</returns>
    public abstract ValueTask<IReadOnlyList<LeaseArena>> ListArenasAsync(CancellationToken cancellationToken = default);

    /// <summary>All sessions that are not over, or still hold something.</summary>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <returns>The sessions, the oldest first.</returns>
    public abstract ValueTask<IReadOnlyList<LeaseSessionInfo>> ListSessionsAsync(CancellationToken cancellationToken = default);

    /// <summary>Deletes the audit up to the first entry that is not older, and sessions that were over by then and hold nothing. The newest
    /// entry stays. So what is left of the audit has no gap, though the clock may have gone back.</summary>
    /// <param name="before">A time of the store's clock.</param>
    /// <param name="cancellationToken">Ends the call; it may be repeated.</param>
    /// <returns>How many entries were deleted.</returns>
    public abstract ValueTask<long> PruneAsync(DateTimeOffset before, CancellationToken cancellationToken = default);

    /// <summary>Hands everything that the last session of a name left to a new one, under new fences, and gives the name to that. Only for
    /// a store that knows for certain which processes are dead.</summary>
    /// <param name="session">The new session.</param>
    /// <param name="name">The name. From now on what the session holds is not reclaimed, but inherited.</param>
    /// <param name="cancellationToken">Ends the call; it may be repeated.</param>
    /// <returns>All that the session holds now.</returns>
    /// <exception cref="LeaseSessionException">A living process has the name, or the store cannot know.</exception>
    /// <exception cref="NotSupportedException">The engine knows no names.</exception>
    public virtual ValueTask<IReadOnlyList<LeaseClaim>> InheritAsync(Guid session, string name,
        CancellationToken cancellationToken = default) => throw new NotSupportedException(
            $"{GetType().Name} cannot know which processes are dead, so no session can have a name in it: use a store in a file of this machine, SqliteLeaseStore.");

    /// <summary>Calls when room may have come, if the engine can tell. It is a hint that may be missing; whoever waits asks again in any
    /// case (R9).</summary>
    /// <param name="arena">The arena.</param>
    /// <param name="mayHaveRoom">Called under no lock, on any thread. What it throws is ignored: the call that made room has
    /// happened.</param>
    /// <returns>Ends the calls when it is disposed of. Null: the engine cannot tell.</returns>
    public virtual IDisposable? WatchRoom(int arena, Action mayHaveRoom) => null;

    /// <summary>Ends what the store runs for itself. It does not end sessions, and not what it was given to work with.</summary>
    /// <returns>A task for the end.</returns>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    /// <summary>Throws unless all are of one arena and one session.</summary>
    /// <param name="requests">What is wanted.</param>
    /// <exception cref="ArgumentException">They are of several arenas or sessions.</exception>
    protected static void CheckSame(IReadOnlyList<LeaseRequest> requests)
    {
        ArgumentNullException.ThrowIfNull(requests);
        if (requests.Any(request => request.Arena != requests[0].Arena || request.Session != requests[0].Session))
        {
            throw new ArgumentException("The requests are of several arenas or sessions: ask for each in a call of its own.", nameof(requests));
        }
    }
}
