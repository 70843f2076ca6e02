using System.Data;
using Npgsql;
using Vmem.Timing;

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
internal sealed class KeptConnection : IAsyncDisposable
{
    // Arbitrary. To plan anew once a second is not to be seen.
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(1);

    // Arbitrary, and long beside the time from a call's end to the next one of those that follow each other.
    private static readonly TimeSpan s_longestIdle = TimeSpan.FromMilliseconds(100);

    private readonly NpgsqlDataSource _source;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;                        // made at once: a call that has its answer must not fail for want of one
    private Rented? _kept;
    private int _waiting;                                  // calls that wait for a connection of the pool
    private volatile bool _isClosed;

    /// <summary>None yet.</summary>
    /// <param name="source">Where they come from.</param>
    /// <param name="time">The clock.</param>
    public KeptConnection(NpgsqlDataSource source, TimeProvider time)
    {
        (_source, _time) = (source, time);
        _timer = DetachedTimer.Start(time, static me => _ = ((KeptConnection)me!).DropAsync(), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
    }

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
            return TakeOpen() ?? await OpenAsync(cancellationToken).ConfigureAwait(false);
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
        await _timer.DisposeAsync().ConfigureAwait(false);
        await DropAsync().ConfigureAwait(false);
    }

    private async ValueTask<Rented> OpenAsync(CancellationToken cancellationToken)
    {
        Rented rented = new(this, _source.CreateConnection());           // an open one must not be lost for want of memory
        await rented.OpenAsync(cancellationToken).ConfigureAwait(false);
        return rented;
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

        kept?.IsGood = false;                              // this call has not ended yet
        return kept;
    }

    private async ValueTask ReturnAsync(Rented rented)
    {
        TimeSpan left = s_longest - rented.Age;
        bool isKept = rented.IsGood && rented.IsOpen && left > TimeSpan.Zero
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
            // A timer that was disposed of meanwhile says false: then there is nothing to drop any more.
            _timer.Change(left < s_longestIdle ? left : s_longestIdle, Timeout.InfiniteTimeSpan);
        }
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
        private long _opened;

        public NpgsqlConnection Connection => connection;

        /// <summary>Whether the call has ended as it should. Otherwise the connection is not kept.</summary>
        public bool IsGood { get; set; }

        /// <summary>False if Npgsql has seen that it is broken: at the end of a call whose answer had come, or by a keep-alive.</summary>
        public bool IsOpen => connection.FullState == ConnectionState.Open;

        public TimeSpan Age => owner._time.GetElapsedTime(_opened);

        /// <summary>If it cannot be opened, there is nothing to be disposed of.</summary>
        public async ValueTask OpenAsync(CancellationToken cancellationToken)
        {
            await connection.OpenAsync(cancellationToken).ConfigureAwait(false);
            _opened = owner._time.GetTimestamp();
        }

        public ValueTask DisposeAsync() => owner.ReturnAsync(this);
    }
}
