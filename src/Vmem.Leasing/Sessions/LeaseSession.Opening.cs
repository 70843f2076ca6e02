using Vmem.Leasing.Sessions;

namespace Vmem.Leasing;

// How a session begins, and what it inherits.
public sealed partial class LeaseSession
{
    /// <summary>Opens a session.</summary>
    /// <param name="store">Where leases are kept. It must outlive the session.</param>
    /// <param name="options">How it behaves.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>The session, live.</returns>
    /// <exception cref="ArgumentException">The options contradict each other. The text says how.</exception>
    /// <exception cref="TimeoutException">The store did not answer in time.</exception>
    /// <exception cref="LeaseSessionException">A living process has the session's name.</exception>
    /// <exception cref="NotSupportedException">It has a name, and the store knows none.</exception>
    public static async Task<LeaseSession> OpenAsync(LeaseStore store, LeaseSessionOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        options ??= new LeaseSessionOptions();
        options.Check();
        var calls = new StoreCalls(options.TimeProvider, options.Ttl / 3);
        var instance = Guid.NewGuid();
        long sent = options.TimeProvider.GetTimestamp();
        int incarnation = await calls.AskAsync(
            token => store.OpenSessionAsync(instance, options.Owner, options.Ttl, LatestUse(options), token),
            cancellationToken).ConfigureAwait(false);
        var session = new LeaseSession(store, options, calls, instance, incarnation, sent);
        try
        {
            if (options.Name is not null)
            {
                await session.InheritAsync(options.Name, cancellationToken).ConfigureAwait(false);
            }

            session._renewing = DetachedTask.Start(session.RenewForeverAsync);
            return session;
        }
        catch
        {
            await session.DisposeAsync().ConfigureAwait(false);          // else a name would be taken for as long as the process lives
            throw;
        }
    }

    private async Task InheritAsync(string name, CancellationToken cancellationToken)
    {
        IReadOnlyList<LeaseClaim> claims = await _calls.AskAsync(token => _store.InheritAsync(Instance, name, token), cancellationToken)
            .ConfigureAwait(false);
        foreach (LeaseClaim claim in claims)
        {
            _ = _holdings.Add(_legacy.Add(claim));
        }
    }
}
