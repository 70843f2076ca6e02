using Vmem.Leasing.Metering;
using Vmem.Leasing.Sessions;

namespace Vmem.Leasing;

// What leased arenas and worker IDs do through their session.
public sealed partial class LeaseSession
{
    internal TimeProvider Time => _time;

    internal void Attach(ILeaseHolder holder)
    {
        using (_lock.EnterScope())
        {
            _holders.Add(holder);
        }
    }

    internal void Detach(ILeaseHolder holder)
    {
        using (_lock.EnterScope())
        {
            _holders.Remove(holder);
        }
    }

    /// <summary>Reports a fault of a task that works for this session.</summary>
    internal void NoteFault(Exception fault) => Report(fault);

    /// <summary>Calls what must not wait; what it throws is reported.</summary>
    internal void Call(Action listener) => Try(listener);

    internal ValueTask<TResult> AskAsync<TResult>(Func<LeaseStore, CancellationToken, ValueTask<TResult>> ask,
        CancellationToken cancellationToken) =>
        _calls.AskAsync(token => ask(_store, token), cancellationToken);

    /// <summary>Finds or makes an arena that this session can lease from.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="wanted">What it is to be; null: it must exist.</param>
    /// <param name="mindsQuarantine">False: whoever made it decided on its quarantine.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    internal async Task<LeaseArena> EnsureArenaAsync(string name, LeaseDefinition? wanted, bool mindsQuarantine,
        CancellationToken cancellationToken)
    {
        LeaseArena arena;
        try
        {
            arena = await AskAsync((store, token) => store.EnsureArenaAsync(name, wanted, token), cancellationToken).ConfigureAwait(false);
        }
        catch (LeaseDefinitionException) when (wanted is not null && !mindsQuarantine)
        {
            wanted.Check();
            arena = await AskAsync((store, token) => store.EnsureArenaAsync(name, null, token), cancellationToken).ConfigureAwait(false);
            arena.Definition.CheckAgreement(name, wanted with { Quarantine = arena.Definition.Quarantine });
        }

        return _options.Ttl <= arena.Definition.Quarantine
            ? arena
            : throw new LeaseDefinitionException(
                $"The session's TTL {_options.Ttl} is longer than the quarantine {arena.Definition.Quarantine} of arena '{name}', which would be reused under it: shorten the TTL.");
    }

    /// <summary>Asks for a lease. If this throws, or the answer is neither <see cref="LeaseVerdict.Granted"/> nor
    /// <see cref="LeaseVerdict.NoRoom"/>, the outcome is unknown: ask the same again, or <see cref="Abandon"/> it.</summary>
    /// <returns>The answer, and what is held if it was granted.</returns>
    internal async ValueTask<(LeaseVerdict Verdict, Holding? Holding)> GrantAsync(LeaseRequest request, ILeaseHolder holder, string arena,
        CancellationToken cancellationToken) =>
        (await GrantManyAsync([request], holder, arena, cancellationToken).ConfigureAwait(false))[0];

    /// <summary>Asks for several leases of an arena in one call. If this throws, the outcome is unknown, of each. So is that of each with
    /// another answer than <see cref="LeaseVerdict.Granted"/> and <see cref="LeaseVerdict.NoRoom"/>: ask the same again, or
    /// <see cref="Abandon"/> them.</summary>
    /// <returns>The answers in the order of the requests, and what is held of those that were granted.</returns>
    internal async ValueTask<(LeaseVerdict Verdict, Holding? Holding)[]> GrantManyAsync(IReadOnlyList<LeaseRequest> requests,
        ILeaseHolder holder, string arena, CancellationToken cancellationToken)
    {
        int incarnation = Incarnation;
        _holdings.Await(requests);
        long sent = _time.GetTimestamp();
        IReadOnlyList<LeaseAnswer> answers = requests.Count == 1
            ? [await _calls.AskAsync(token => _store.GrantAsync(requests[0], token), cancellationToken).ConfigureAwait(false)]
            : await _calls.AskAsync(token => _store.GrantManyAsync(requests, token), cancellationToken).ConfigureAwait(false);
        TimeSpan duration = _time.GetElapsedTime(sent);
        var outcomes = new (LeaseVerdict Verdict, Holding? Holding)[answers.Count];
        for (int i = 0; i < outcomes.Length; i++)
        {
            outcomes[i] = Hold(requests[i], answers[i], holder, incarnation);
        }

        Try(() =>
        {
            foreach (LeaseAnswer answer in answers)
            {
                LeaseMetrics.Answered(arena, answer.Verdict, duration);
            }
        });
        return outcomes;
    }

    private (LeaseVerdict Verdict, Holding? Holding) Hold(LeaseRequest request, in LeaseAnswer answer, ILeaseHolder holder, int incarnation)
    {
        if (answer.Verdict != LeaseVerdict.Granted)
        {
            // The other refusals come before the store looks for the request: an earlier answer may have been lost, and it was granted.
            if (answer.Verdict == LeaseVerdict.NoRoom)
            {
                _holdings.Forget(request.Id);
            }

            return (answer.Verdict, null);
        }

        var holding = new Holding(answer.Claim!, holder, answer.Watermark);
        using (_lock.EnterScope())
        {
            // A server that is no more may have granted it, and its successor may not know: it is asked for again.
            if (_end is not null || incarnation != _incarnation)
            {
                return (LeaseVerdict.SessionNotLive, null);
            }

            return (LeaseVerdict.Granted, _holdings.Add(holding));
        }
    }

    /// <summary>What was inherited of an arena; each lease is from now on the holder's.</summary>
    internal Holding[] TakeLegacy(int arena, ILeaseHolder holder) => _legacy.Take(arena, holder);

    /// <summary>A single value that was inherited of an arena, from now on the holder's; null: none is left.</summary>
    internal Holding? TakeLegacyValue(int arena, ILeaseHolder holder) => _legacy.TakeOne(arena, holder);

    /// <summary>An arena was closed, and what it leased is kept for whoever opens it next, unless it was lost meanwhile.</summary>
    internal void KeepLegacy(Holding holding) => _legacy.Keep(holding, _holdings.IsHeld);

    /// <summary>A request of unknown outcome is not repeated. If it was granted, the next renewal finds and returns it (R11).</summary>
    /// <remarks>If it is held, and whoever asked could not take it in, the next renewal returns it, too.</remarks>
    internal void Abandon(LeaseRequest request)
    {
        _holdings.Forget(request.Id);
        if (_holdings.GrantedFor(request.Id) is { } unheard)
        {
            _ = _holdings.BeginReturn(unheard, new Return(IsClean: true, null));
        }
    }
}
