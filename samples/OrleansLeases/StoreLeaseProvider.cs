using Orleans.LeaseProviders;
using Vmem.Leasing;

namespace Vmem.Samples;

/// <summary>Leases of Orleans in a lease store. A resource is an arena of one value, and each lease of it is a session.</summary>
/// <remarks>
/// <para>Nobody renews behind Orleans' back: a lease that Orleans does not renew lapses. Another silo gets its resource a quarantine later,
/// which is as long as the first lease of the resource was to last. Until then a late renewal revives it.</para>
/// <para>After a failover of the store no lease is renewed, as this provider does not know which were past their time (R5). They are taken
/// anew after the store's hold.</para>
/// <para>A call to the store that failed may have happened. A lease that was granted so is given back, or it lapses.</para>
/// </remarks>
/// <param name="store">Where the leases are. It must outlive the silo.</param>
/// <param name="owner">Who holds them, for people.</param>
/// <param name="time">The clock of time-outs: a third of a lease's duration for each call.</param>
internal sealed class StoreLeaseProvider(LeaseStore store, string owner, TimeProvider time) : ILeaseProvider
{
    public Task<AcquireLeaseResult[]> Acquire(string category, Orleans.LeaseProviders.LeaseRequest[] leaseRequests) =>
        Task.WhenAll(leaseRequests.Select(request => AcquireAsync(NameOf(category, request.ResourceKey), request)));

    public Task<AcquireLeaseResult[]> Renew(string category, AcquiredLease[] acquiredLeases) =>
        Task.WhenAll(acquiredLeases.Select(lease => RenewAsync(NameOf(category, lease.ResourceKey), lease)));

    /// <summary>A lease that has passed to another is left alone.</summary>
    public Task Release(string category, AcquiredLease[] acquiredLeases) =>
        Task.WhenAll(acquiredLeases.Select(lease => ReleaseAsync(NameOf(category, lease.ResourceKey), lease)));

    private async Task<AcquireLeaseResult> AcquireAsync(string name, Orleans.LeaseProviders.LeaseRequest request)
    {
        var session = Guid.NewGuid();
        bool mayHold = false;
        using CancellationTokenSource late = TimeOut(request.Duration);
        try
        {
            LeaseArena arena = await FindAsync(name, request.Duration, late.Token);
            if ((await store.GetUsageAsync(arena.Id, late.Token)).Free == 0 && await store.SweepAsync(arena.Id, late.Token) == 0)
            {
                return Refuse(request.ResourceKey, ResponseCode.LeaseNotAvailable);
            }

            DateTime sent = time.GetUtcNow().UtcDateTime;      // the lease counts from before it was asked for (R1)
            mayHold = true;
            int incarnation = await store.OpenSessionAsync(session, owner, request.Duration, Latest(sent, request.Duration), late.Token);
            LeaseAnswer answer = await store.GrantAsync(new(arena.Id, session, Guid.CreateVersion7(), Size: 1), late.Token);
            if (answer.Verdict == LeaseVerdict.Granted)
            {
                mayHold = false;
                return new(new(request.ResourceKey, request.Duration, TokenOf(answer.Claim!, incarnation), sent), ResponseCode.OK, null);
            }

            return answer.Verdict == LeaseVerdict.NoRoom
                ? Refuse(request.ResourceKey, ResponseCode.LeaseNotAvailable)
                : throw new InvalidOperationException($"The store grants nothing now: {answer.Verdict}.");
        }
        catch (Exception fault)
        {
            return Refuse(request.ResourceKey, ResponseCode.TransientFailure, fault);
        }
        finally
        {
            if (mayHold)
            {
                await AbandonAsync(session, request.Duration);
            }
        }
    }

    private async Task<AcquireLeaseResult> RenewAsync(string name, AcquiredLease lease)
    {
        try
        {
            using CancellationTokenSource late = TimeOut(lease.Duration);
            DateTime sent = time.GetUtcNow().UtcDateTime;
            return await FindHeldAsync(name, lease, late.Token) is { } claim   // first: another resource's token must not renew that
                && await store.RenewAsync(claim.Session, Latest(sent, lease.Duration), late.Token) is { Held: 1 } renewal
                && lease.Token == TokenOf(claim, renewal.Incarnation)
                    ? new(new(lease.ResourceKey, lease.Duration, lease.Token, sent), ResponseCode.OK, null)
                    : Refuse(lease.ResourceKey, ResponseCode.InvalidToken);
        }
        catch (Exception fault)
        {
            return Refuse(lease.ResourceKey, ResponseCode.TransientFailure, fault);
        }
    }

    private async Task ReleaseAsync(string name, AcquiredLease lease)
    {
        using CancellationTokenSource late = TimeOut(lease.Duration);
        if (await FindHeldAsync(name, lease, late.Token) is { } claim)
        {
            await store.CloseSessionAsync(claim.Session, clean: true, late.Token);
        }
    }

    /// <summary>What a lease's session holds, if it is the resource of that name, under the token's fence (R8).</summary>
    private async Task<LeaseClaim?> FindHeldAsync(string name, AcquiredLease lease, CancellationToken cancellationToken) =>
        lease.Token is { Length: > 32 } token && Guid.TryParseExact(token[..32], "N", out Guid session)
        && await store.GetHeldAsync(session, cancellationToken) is [var claim]
        && token.EndsWith($".{claim.Fence}", StringComparison.Ordinal)
        && claim.Arena == (await store.EnsureArenaAsync(name, definition: null, cancellationToken)).Id
            ? claim
            : null;

    /// <summary>The arena of a resource. Whoever asks first says how long its leases are at most.</summary>
    private async Task<LeaseArena> FindAsync(string name, TimeSpan longest, CancellationToken cancellationToken)
    {
        try
        {
            return await store.EnsureArenaAsync(name, definition: null, cancellationToken);
        }
        catch (LeaseDefinitionException)
        {
            LeaseDefinition definition = new() { Start = 0, Size = 1, Type = nameof(UInt32), Quarantine = longest };
            return await store.EnsureArenaAsync(name, definition, cancellationToken);
        }
    }

    private async Task AbandonAsync(Guid session, TimeSpan duration)
    {
        try
        {
            using CancellationTokenSource late = TimeOut(duration);
            await store.CloseSessionAsync(session, clean: true, late.Token);     // nobody was told of the lease
        }
        catch (Exception)
        {
            // It lapses. Orleans hears of the first failure.
        }
    }

    private CancellationTokenSource TimeOut(TimeSpan duration) => new(duration / 3, time);

    /// <summary>It says all that is needed: any process may renew or release.</summary>
    private static string TokenOf(LeaseClaim claim, int incarnation) => $"{claim.Session:N}.{incarnation}.{claim.Fence}";

    /// <summary>One name for one resource: only the part behind the first slash may have others.</summary>
    private static string NameOf(string category, string resourceKey) => $"{Uri.EscapeDataString(category)}/{resourceKey}";

    private static long Latest(DateTime sent, TimeSpan duration) => new DateTimeOffset(sent + duration).ToUnixTimeMilliseconds();

    private static AcquireLeaseResult Refuse(string resourceKey, ResponseCode code, Exception? fault = null) =>
        new(new AcquiredLease(resourceKey), code, fault);
}
