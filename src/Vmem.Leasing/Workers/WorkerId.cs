using System.Diagnostics;
using Vmem.Leasing.Sessions;

namespace Vmem.Leasing;

/// <summary>A small number that no other live process of the fleet has: the worker ID of a Snowflake generator.</summary>
/// <remarks>
/// <para>
/// A number that passes from one process to another is safe only if the new holder's clock is past every time that the old one used: else
/// both make the same IDs. So a lease leaves a watermark. While it lasts, each renewal tells the store a time that the process will not use
/// before the next; <see cref="DisposeAsync"/> leaves the present. A generator that runs ahead of the clock reserves the times itself
/// (<see cref="ReserveAsync"/>).
/// </para>
/// <para>Look at <see cref="IsValid"/> for each ID, or call <see cref="LeaseSession.ThrowIfInvalid"/>.</para>
/// <para>A session with a name gets the numbers again that the last one of the name held when it was killed, the lowest first, under new
/// fences and with their watermarks.</para>
/// </remarks>
[DebuggerDisplay("{Value}, fence {Fence}, valid: {IsValid}")]
public sealed class WorkerId : IAsyncDisposable, ILeaseHolder
{
    private const int MaxBits = 31;

    private readonly LeaseSession _session;
    private readonly string _arena;
    private readonly CancellationTokenSource _lost = new();
    private Holding? _holding;                              // null: given back
    private volatile bool _isLost;                          // perhaps before the lease was taken note of here
    private long _reserved = long.MinValue;                 // by the user

    private WorkerId(LeaseSession session, string arena)
    {
        _session = session;
        _arena = arena;
        Lost = _lost.Token;
    }

    /// <summary>The number: at least 0, and below 2 to the power of the bits.</summary>
    public int Value { get; private set; }

    /// <summary>Whether it may be used: one read of the monotonic clock.</summary>
    public bool IsValid => Held is not null && _session.IsValid;

    /// <summary>Larger than that of every earlier holder of the number.</summary>
    public long Fence { get; private set; }

    /// <summary>Cancelled once, when the number is lost.</summary>
    public CancellationToken Lost { get; }

    /// <summary>The last time that a former holder may have used, in milliseconds since 1970. Null: nobody had the number before.</summary>
    public long? Watermark { get; private set; }

    private Holding? Held => _isLost ? null : Volatile.Read(ref _holding);

    /// <summary>Leases a number. It is kept until it is disposed of, or its session ends.</summary>
    /// <param name="session">The session.</param>
    /// <param name="arena">The name of the set of numbers. It is made if it is absent.</param>
    /// <param name="bits">How many there are: 2 to this power. 1 to 31; a Snowflake has 10.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The number.</returns>
    /// <remarks>If all are taken, it waits while some belong to processes that are silent or dead: these come back. During the hold after a
    /// failover it waits, too.</remarks>
    /// <exception cref="LeaseExhaustedException">All numbers are taken, by live sessions.</exception>
    /// <exception cref="LeaseDefinitionException">The set has another number of bits, or its quarantine is shorter than the session's
    /// TTL.</exception>
    public static async Task<WorkerId> LeaseAsync(LeaseSession session, string arena, int bits,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(session);
        ArgumentException.ThrowIfNullOrEmpty(arena);
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, MaxBits);
        session.ThrowIfInvalid();
        LeaseDefinition definition = new()
        {
            Start = 0,
            Size = UInt128.One << bits,
            Type = nameof(UInt32),
            Quarantine = session.Options.Ttl,
        };
        LeaseArena numbers = await session.EnsureArenaAsync(arena, definition, mindsQuarantine: false, cancellationToken)
            .ConfigureAwait(false);
        var request = new LeaseRequest(numbers.Id, session.Instance, Guid.CreateVersion7(), 1);
        var worker = new WorkerId(session, arena);
        try
        {
            if (!await worker.TryInheritAsync(numbers.Id, cancellationToken).ConfigureAwait(false))
            {
                Holding granted = await worker.GrantAsync(request, cancellationToken).ConfigureAwait(false);
                worker.Begin(granted, granted.Inherited);
            }

            session.Attach(worker);
            return worker;
        }
        catch
        {
            session.Abandon(request);
            throw;
        }
    }

    /// <summary>Waits until this machine's clock is past the watermark. Call it before the first ID is made.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>A task for the wait: mostly over at once, some seconds if this machine's clock is behind the last holder's.</returns>
    public async ValueTask PastWatermarkAsync(CancellationToken cancellationToken = default)
    {
        while (Watermark is { } watermark && watermark - _session.Time.GetUtcNow().ToUnixTimeMilliseconds() is >= 0 and var behind)
        {
            // A day at most at once: a timer does not take more than 49.
            TimeSpan wait = TimeSpan.FromMilliseconds(Math.Min(behind + 1, (long)TimeSpan.FromDays(1).TotalMilliseconds));
            await Task.Delay(wait, _session.Time, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Promises to use nothing beyond a time, and has the store keep that for the next holder. From the first call on, the store
    /// believes these promises instead of what renewals say.</summary>
    /// <param name="watermark">The time, in milliseconds since 1970, mostly a few seconds ahead. An earlier one than before changes
    /// nothing.</param>
    /// <returns>A task that ends when the store has it: only then may times up to it be used.</returns>
    /// <exception cref="LeaseLostException">The number is lost.</exception>
    /// <exception cref="TimeoutException">The store did not answer. Use nothing beyond the last reservation, and try again.</exception>
    public async ValueTask ReserveAsync(long watermark)
    {
        Holding holding = Held ?? throw Gone();
        if (!await TryMarkAsync(holding.Claim, watermark).ConfigureAwait(false))
        {
            throw Gone();
        }

        for (long known = Volatile.Read(ref _reserved); watermark > known;)
        {
            known = Interlocked.CompareExchange(ref _reserved, watermark, known) is var found && found == known ? watermark : found;
        }
    }

    /// <summary>Gives the number back. Another process may get it at once, and is told the present time, or the last reservation, as the
    /// watermark.</summary>
    /// <returns>A task for the end. It does not fail.</returns>
    public async ValueTask DisposeAsync()
    {
        Holding? holding = Interlocked.Exchange(ref _holding, null);
        _session.Detach(this);
        if (holding is not null && !_isLost)
        {
            long? last = LastUse();
            await _session.ReturnAsync(holding, isClean: last is not null, last).ConfigureAwait(false);
        }
    }

    /// <summary>Null: the clock does not say. Then the number goes back as one whose holder says nothing.</summary>
    private long? LastUse()
    {
        long reserved = Volatile.Read(ref _reserved);
        try
        {
            return reserved != long.MinValue ? reserved : _session.Time.GetUtcNow().ToUnixTimeMilliseconds();
        }
        catch (Exception fault)
        {
            _session.NoteFault(fault);
            return null;
        }
    }

    private async ValueTask<bool> TryMarkAsync(LeaseClaim claim, long watermark)
    {
        try
        {
            return await _session.AskAsync((store, token) => store.MarkAsync(claim, watermark, token), CancellationToken.None)
                .ConfigureAwait(false);
        }
        catch (LeaseDefinitionException)
        {
            return false;                                      // the store has forgotten the whole set
        }
    }

    ValueTask ILeaseHolder.CloseAsync() => DisposeAsync();

    void ILeaseHolder.Resume()
    {
    }

    void ILeaseHolder.Lose(Holding holding, string reason)
    {
        _isLost = true;
        _session.Announce(_lost.Cancel);
    }

    /// <summary>Takes a number that the last session of the name held. False if there is none.</summary>
    private async Task<bool> TryInheritAsync(int arena, CancellationToken cancellationToken)
    {
        if (_session.TakeLegacyValue(arena, this) is not { } holding)
        {
            return false;
        }

        try
        {
            IReadOnlyList<LeaseExtent> extents = await _session.AskAsync((store, token) => store.ListAsync(arena, token), cancellationToken)
                .ConfigureAwait(false);
            LeaseExtent? extent = extents.FirstOrDefault(
                extent => extent.Start == holding.Claim.Start && extent.Fence == holding.Claim.Fence);
            if (extent is null)
            {
                _isLost = true;                                // a failover forgot it
            }

            Begin(holding, extent?.Watermark);
            return _isLost ? throw Gone() : true;
        }
        catch when (!_isLost)
        {
            _session.KeepLegacy(holding);                      // for the next attempt
            throw;
        }
    }

    private void Begin(Holding holding, long? watermark)
    {
        (Value, Fence, Watermark) = ((int)holding.Claim.Start, holding.Claim.Fence, watermark);
        Volatile.Write(ref _holding, holding);
    }

    private async Task<Holding> GrantAsync(LeaseRequest request, CancellationToken cancellationToken)
    {
        while (true)
        {
            _session.ThrowIfInvalid();
            (LeaseVerdict verdict, Holding? holding) = await _session.GrantAsync(request, this, _arena, cancellationToken)
                .ConfigureAwait(false);
            if (holding is not null)
            {
                return holding;
            }

            if (verdict != LeaseVerdict.NoRoom || !await SweepAsync(request.Arena, cancellationToken).ConfigureAwait(false))
            {
                await Task.Delay(_session.Options.RenewEvery, _session.Time, cancellationToken).ConfigureAwait(false);
            }
        }
    }

    /// <returns>Whether anything became free. If nothing did, something will.</returns>
    private async Task<bool> SweepAsync(int arena, CancellationToken cancellationToken)
    {
        if (await _session.AskAsync((store, token) => store.SweepAsync(arena, token), cancellationToken).ConfigureAwait(false) > 0)
        {
            return true;
        }

        LeaseUsage usage = await _session.AskAsync((store, token) => store.GetUsageAsync(arena, token), cancellationToken)
            .ConfigureAwait(false);
        return usage.Free > 0 || (usage.Lapsed + usage.Quarantined == 0
            ? throw new LeaseExhaustedException(_arena, usage,
                "Every number is held by a process that renews it: stop one, or use a set of more bits under another name. A process that died without notice counts until its TTL is over.")
            : false);
    }

    private LeaseLostException Gone() =>
        new($"The worker ID {Value} of '{_arena}' is lost or was given back: make no more IDs with it, and lease another.");
}
