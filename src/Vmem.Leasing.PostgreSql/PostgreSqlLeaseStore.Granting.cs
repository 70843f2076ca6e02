using Npgsql;
using NpgsqlTypes;
using Vmem.Leasing.PostgreSql;

namespace Vmem.Leasing;

// How extents are granted, and what their holders do with them.
public sealed partial class PostgreSqlLeaseStore
{
    private static readonly LockingCall s_grant = new("vmem.grant_quickly($1, $2, $3, $4, $5, $6, $7, $8, $9)");

    // One statement, one transaction, one commit. Each row is granted before the next is looked at; the number keeps their order.
    private static readonly LockingCall s_grantMany = new("g.answer",
        "FROM unnest($3, $4, $5, $6, $7, $8, $9) WITH ORDINALITY r (id, size, min_size, align, phase, min, max, number), LATERAL vmem.grant_quickly($1, $2, r.id, r.size, r.min_size, r.align, r.phase, r.min, r.max) g (answer) ORDER BY r.number");

    private static readonly LockingCall s_release = new("vmem.release_lease($1, $2, $3, $4, $5, $6, $7)");

    /// <inheritdoc/>
    public override async ValueTask<LeaseAnswer> GrantAsync(LeaseRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        KeptArena arena = await FindAsync(request.Arena, cancellationToken).ConfigureAwait(false);
        request.Check(arena.Arena);
        return !arena.TryKeep(request, out KeptRequest kept)
            ? new LeaseAnswer(LeaseVerdict.NoRoom)
            : (await GrantAsync(s_grant, arena,
                [
                    Number32(request.Arena), Id(request.Session), Id(request.Id), Number(kept.Size), Number(kept.MinSize),
                    Number(kept.Align), Number(kept.Phase), Number(kept.Min), Number(kept.Max),
                ],
                row => ReadAnswer(row, request, arena), cancellationToken).ConfigureAwait(false))[0].Answer;
    }

    /// <inheritdoc/>
    public override async ValueTask<IReadOnlyList<LeaseAnswer>> GrantManyAsync(IReadOnlyList<LeaseRequest> requests,
        CancellationToken cancellationToken = default)
    {
        CheckSame(requests);
        if (requests.Count < 2)
        {
            return await base.GrantManyAsync(requests, cancellationToken).ConfigureAwait(false);
        }

        KeptArena arena = await FindAsync(requests[0].Arena, cancellationToken).ConfigureAwait(false);
        var answers = new LeaseAnswer[requests.Count];
        List<KeptRequest> kept = [];
        List<int> places = [];
        for (int i = 0; i < answers.Length; i++)
        {
            requests[i].Check(arena.Arena);
            answers[i] = new LeaseAnswer(LeaseVerdict.NoRoom);
            if (arena.TryKeep(requests[i], out KeptRequest one))
            {
                kept.Add(one);
                places.Add(i);
            }
        }

        int next = 0;
        _ = await GrantAsync(s_grantMany, arena,
            [
                Number32(arena.Arena.Id), Id(requests[0].Session),
                Parameter(NpgsqlDbType.Array | NpgsqlDbType.Uuid, places.Select(place => requests[place].Id).ToArray()),
                Numbers(kept.Select(static one => one.Size)), Numbers(kept.Select(static one => one.MinSize)),
                Numbers(kept.Select(static one => one.Align)), Numbers(kept.Select(static one => one.Phase)),
                Numbers(kept.Select(static one => one.Min)), Numbers(kept.Select(static one => one.Max)),
            ],
            row =>
            {
                int place = places[next++];
                (answers[place], long? waited) = ReadAnswer(row, requests[place], arena);
                return (answers[place], waited);
            }, cancellationToken).ConfigureAwait(false);
        return answers;
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

    /// <summary>Grants, and notes whether another's grant went first.</summary>
    private async ValueTask<IReadOnlyList<(LeaseAnswer Answer, long? Waited)>> GrantAsync(LockingCall call, KeptArena arena,
        NpgsqlParameter[] parameters, Func<NpgsqlDataReader, (LeaseAnswer Answer, long? Waited)> read, CancellationToken cancellationToken)
    {
        IReadOnlyList<(LeaseAnswer Answer, long? Waited)> rows =
            await AllAsync(call, arena, parameters, read, cancellationToken).ConfigureAwait(false);
        arena.Traffic.Note([.. rows.Select(static row => row.Waited)]);
        return rows;
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
