using System.Collections.Concurrent;
using Npgsql;
using Vmem.Leasing.PostgreSql;

namespace Vmem.Leasing;

// How extents are granted, and what their holders do with them.
public sealed partial class PostgreSqlLeaseStore
{
    private static readonly LockingCall s_grant = new("vmem.grant_quickly($1, $2, $3, $4, $5, $6, $7, $8, $9)");

    // One statement, one transaction, one commit. Each row is granted before the next is looked at; the number keeps their order.
    private static readonly LockingCall s_grantMany = new("g.answer",
        "FROM unnest($2, $3, $4, $5, $6, $7, $8, $9) WITH ORDINALITY r (session, id, size, min_size, align, phase, min, max, number), LATERAL vmem.grant_quickly($1, r.session, r.id, r.size, r.min_size, r.align, r.phase, r.min, r.max) g (answer) ORDER BY r.number");

    private static readonly LockingCall s_release = new("vmem.release_lease($1, $2, $3, $4, $5, $6, $7)");

    private readonly ConcurrentDictionary<int, GrantQueue> _queues = new();

    /// <inheritdoc/>
    /// <remarks>Requests for one arena that are made at once may go together.</remarks>
    public override async ValueTask<LeaseAnswer> GrantAsync(LeaseRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return (await GrantAllAsync([request], cancellationToken).ConfigureAwait(false))[0];
    }

    /// <inheritdoc/>
    /// <remarks>They go together with others for the same arena, up to 64 in a transaction. If one of several transactions fails, what the
    /// others granted stays granted.</remarks>
    public override async ValueTask<IReadOnlyList<LeaseAnswer>> GrantManyAsync(IReadOnlyList<LeaseRequest> requests,
        CancellationToken cancellationToken = default)
    {
        CheckSame(requests);
        return requests.Count == 0 ? [] : await GrantAllAsync(requests, cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> ReleaseAsync(LeaseClaim claim, bool clean, long? watermark = null,
        CancellationToken cancellationToken = default)
    {
        NpgsqlParameter[] named = await NameAsync(claim, cancellationToken).ConfigureAwait(false);
        KeptArena arena = await FindAsync(claim.Arena, cancellationToken).ConfigureAwait(false);
        return (await AllAsync(s_release, arena, [.. named, Flag(clean), Number(watermark)], static row => row.GetBoolean(0),
            cancellationToken).ConfigureAwait(false))[0];
    }

    /// <inheritdoc/>
    /// <remarks>Whoever asks drops what is not here. So what the answer shows is on the disk, a release that went ahead of it
    /// too.</remarks>
    public override async ValueTask<IReadOnlyList<LeaseClaim>> GetHeldAsync(Guid session, CancellationToken cancellationToken = default)
    {
        const string Held = "SELECT * FROM vmem.held($1)";
        IReadOnlyList<(int Arena, long Start, long Size, long Fence, Guid Request)> rows =
            await AllOnDiskAsync(Held, [Id(session)], Read, cancellationToken).ConfigureAwait(false);
        List<LeaseClaim> claims = [];
        foreach ((int id, long start, long size, long fence, Guid request) in rows)
        {
            KeptArena arena = await FindAsync(id, cancellationToken).ConfigureAwait(false);
            claims.Add(new LeaseClaim(id, session, arena.Value(start), arena.Length(size), fence, request));
        }

        return claims;

        static (int, long, long, long, Guid) Read(NpgsqlDataReader row) =>
            (row.GetInt32(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3), row.GetGuid(4));
    }

    /// <inheritdoc/>
    public override async ValueTask<LeaseReassertion> ReassertAsync(LeaseClaim claim, CancellationToken cancellationToken = default)
    {
        NpgsqlParameter[] named = await NameAsync(claim, cancellationToken).ConfigureAwait(false);
        return await OneAsync("SELECT vmem.reassert($1, $2, $3, $4, $5, $6)", [.. named, Id(claim.Request)],
            static row => (LeaseReassertion)row.GetInt32(0), cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public override async ValueTask<bool> MarkAsync(LeaseClaim claim, long watermark, CancellationToken cancellationToken = default)
    {
        NpgsqlParameter[] named = await NameAsync(claim, cancellationToken).ConfigureAwait(false);
        return await OneAsync("SELECT vmem.mark($1, $2, $3, $4, $5, $6)", [.. named, Number(watermark)], static row => row.GetBoolean(0),
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Asks for all of them, which are of one arena.</summary>
    private async ValueTask<LeaseAnswer[]> GrantAllAsync(IReadOnlyList<LeaseRequest> requests, CancellationToken cancellationToken)
    {
        KeptArena arena = await FindAsync(requests[0].Arena, cancellationToken).ConfigureAwait(false);
        List<PendingGrant> grants = [];
        foreach (LeaseRequest request in requests)
        {
            request.Check(arena.Arena);
            if (arena.TryKeep(request, out KeptRequest kept))
            {
                grants.Add(new PendingGrant(request, kept));
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
        GrantQueue queue = _queues.GetOrAdd(arena.Arena.Id, _ => new GrantQueue((group, token) => SendAsync(arena, group, token), _time));
        LeaseAnswer[] granted = await AskAsync(queue, grants, cancellationToken).ConfigureAwait(false);
        int next = 0;
        return [.. requests.Select(request =>
            next < grants.Count && grants[next].Request == request ? granted[next++] : new LeaseAnswer(LeaseVerdict.NoRoom))];
    }

    /// <summary>The answers. If this throws, for whatever reason, nothing of them waits in the queue any more.</summary>
    private static async ValueTask<LeaseAnswer[]> AskAsync(GrantQueue queue, List<PendingGrant> grants, CancellationToken cancellationToken)
    {
        try
        {
            queue.Ask(grants);
            using CancellationTokenRegistration leaves = cancellationToken.UnsafeRegister((_, token) => queue.Leave(grants, token), null);
            return await Task.WhenAll(grants.Select(static grant => grant.Answer.Task)).ConfigureAwait(false);
        }
        catch
        {
            queue.Leave(grants, cancellationToken);
            throw;
        }
    }

    /// <summary>Grants all in one statement, and notes whether another process's grant went first.</summary>
    private async ValueTask<IReadOnlyList<LeaseAnswer>> SendAsync(KeptArena arena, IReadOnlyList<PendingGrant> grants,
        CancellationToken cancellationToken)
    {
        int next = 0;
        IReadOnlyList<(LeaseAnswer Answer, long? Waited)> rows = await AllAsync(grants.Count == 1 ? s_grant : s_grantMany, arena,
            grants is [PendingGrant one]
                ?
                [
                    Number32(arena.Arena.Id), Id(one.Request.Session), Id(one.Request.Id), Number(one.Kept.Size), Number(one.Kept.MinSize),
                    Number(one.Kept.Align), Number(one.Kept.Phase), Number(one.Kept.Min), Number(one.Kept.Max),
                ]
                :
                [
                    Number32(arena.Arena.Id), Ids(grants.Select(static grant => grant.Request.Session)),
                    Ids(grants.Select(static grant => grant.Request.Id)), Numbers(grants.Select(static grant => grant.Kept.Size)),
                    Numbers(grants.Select(static grant => grant.Kept.MinSize)), Numbers(grants.Select(static grant => grant.Kept.Align)),
                    Numbers(grants.Select(static grant => grant.Kept.Phase)), Numbers(grants.Select(static grant => grant.Kept.Min)),
                    Numbers(grants.Select(static grant => grant.Kept.Max)),
                ],
            row => ReadAnswer(row, grants[next++].Request, arena), cancellationToken).ConfigureAwait(false);
        arena.Traffic.Note([.. rows.Select(static row => row.Waited)]);
        return [.. rows.Select(static row => row.Answer)];
    }

    private static (LeaseAnswer Answer, long? Waited) ReadAnswer(NpgsqlDataReader row, LeaseRequest request, KeptArena arena)
    {
        // Verdict, start, size, fence, watermark, and 1 if another's grant went first, 0 if not, null if nobody knows.
        long?[] answer = row.GetFieldValue<long?[]>(0);
        var verdict = (LeaseVerdict)answer[0]!.Value;
        return (verdict != LeaseVerdict.Granted
            ? new LeaseAnswer(verdict)
            : new LeaseAnswer(verdict, new LeaseClaim(request.Arena, request.Session, arena.Value(answer[1]!.Value),
                arena.Length(answer[2]!.Value), answer[3]!.Value, request.Id), answer[4]), answer[5]);
    }
}
