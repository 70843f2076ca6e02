using System.Data;
using Npgsql;

namespace Vmem.Leasing.PostgreSql;

/// <summary>Connections for a store's calls, of which one is kept from call to call.</summary>
/// <remarks>
/// <para>
/// When a connection goes back to Npgsql's pool, Npgsql has the server forget the session, and with it the plans of the functions: the next
/// grant is planned anew, and takes up to twice the time. So a call leaves its connection here, and the next one takes it.
/// </para>
/// <para>
/// Others may need it: a pool may have one connection. So it goes back at once if another call of the store waits for one, when nobody has
/// taken it for a tenth of a second, and when it is a second old. What failed goes back as well: the pool knows what to do with it.
/// </para>
/// <para>
/// Rejected: <c>No Reset On Close</c>, which says this to Npgsql for good. The data source is the caller's, and others may leave more in a
/// session than these calls, which leave nothing. Rejected: a connection of the store's own for as long as it lives, which a pooler that
/// gives each session a server's process would have to keep, and a pool of one could not give to anybody.
/// </para>
/// </remarks>
/// <param name="source">Where they come from.</param>
internal sealed class KeptConnection(NpgsqlDataSource source) : IAsyncDisposable
{
    // Arbitrary. To plan anew once a second is not to be seen.
    private const long LongestMilliseconds = 1_000;

    // Arbitrary, and long beside the time from a call's end to the next one of those that follow each other.
    private const long LongestIdleMilliseconds = 100;

    private readonly Lock _timerLock = new();
    private Timer? _timer;
    private Rented? _kept;
    private int _waiting;                                  // calls that wait for a connection of the pool
    private volatile bool _isClosed;

    /// <summary>The kept connection, or one of the pool. Dispose of it after the call.</summary>
    public async ValueTask<Rented> RentAsync(CancellationToken cancellationToken)
    {
        if (TakeOpen() is { } kept)
        {
            return kept;
        }

        Interlocked.Increment(ref _waiting);
        try
        {
            // Again: one that came back meanwhile did not know that it is wanted.
            return TakeOpen() ?? new Rented(this, await source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false));
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    /// <summary>Gives the kept connection back, and keeps none any more. Calls go on as before.</summary>
    public async ValueTask DisposeAsync()
    {
        _isClosed = true;
        Interlocked.MemoryBarrier();                       // who leaves one sees that, or it is seen here
        await DropAsync().ConfigureAwait(false);
        using (_timerLock.EnterScope())
        {
            _timer?.Dispose();
            _timer = null;
        }
    }

    private Rented? Take() => Interlocked.Exchange(ref _kept, null);

    private Rented? TakeOpen()
    {
        Rented? kept = Take();
        if (kept is { IsOpen: false })
        {
            _ = CloseAsync(kept);
            return null;
        }

        return kept;
    }

    private async ValueTask ReturnAsync(Rented rented)
    {
        bool isKept = rented.IsGood && rented.IsOpen && rented.Age < LongestMilliseconds
            && Interlocked.CompareExchange(ref _kept, rented, null) is null;
        if (!isKept)
        {
            await CloseAsync(rented).ConfigureAwait(false);
        }
        else if (_isClosed || Volatile.Read(ref _waiting) > 0)
        {
            await DropAsync().ConfigureAwait(false);       // unless another has taken it meanwhile
        }
        else
        {
            Await(Math.Min(LongestIdleMilliseconds, LongestMilliseconds - rented.Age));
        }
    }

    private void Await(long milliseconds)
    {
        using (_timerLock.EnterScope())
        {
            if (!_isClosed)
            {
                _timer ??= MakeTimer();
                _timer.Change(Math.Max(1, milliseconds), Timeout.Infinite);
            }
        }
    }

    /// <summary>Nothing of the first caller's, such as his activity, flows there.</summary>
    private Timer MakeTimer()
    {
        using AsyncFlowControl? flow = ExecutionContext.IsFlowSuppressed() ? null : ExecutionContext.SuppressFlow();
        return new Timer(static me => _ = ((KeptConnection)me!).DropAsync(), this, Timeout.Infinite, Timeout.Infinite);
    }

    private Task DropAsync() => Take() is { } kept ? CloseAsync(kept) : Task.CompletedTask;

    /// <summary>Back to the pool. That it failed there is no fault of the call, which has its answer.</summary>
    private static async Task CloseAsync(Rented rented)
    {
        try
        {
            await rented.Connection.DisposeAsync().ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is NpgsqlException or IOException or ObjectDisposedException or InvalidOperationException)
        {
        }
    }

    /// <summary>A connection for one call.</summary>
    public sealed class Rented(KeptConnection owner, NpgsqlConnection connection) : IAsyncDisposable
    {
        private readonly long _opened = Environment.TickCount64;

        public NpgsqlConnection Connection => connection;

        /// <summary>Whether the call has ended as it should. Otherwise the connection is not kept.</summary>
        public bool IsGood { get; set; }

        /// <summary>False if Npgsql has seen that it is broken: at the end of a call whose answer had come, or by a keep-alive.</summary>
        public bool IsOpen => connection.FullState == ConnectionState.Open;

        /// <summary>In milliseconds.</summary>
        public long Age => Environment.TickCount64 - _opened;

        public ValueTask DisposeAsync() => owner.ReturnAsync(this);
    }
}
