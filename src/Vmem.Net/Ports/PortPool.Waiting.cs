using Vmem.Net.Ports;

namespace Vmem.Net;

// Waiting for ports: for a source that has to ask a server first, or until somebody frees one.
public sealed partial class PortPool
{
    /// <summary>Allocates the port that a key prefers, or else the next free one above it, and round; waits until there is one.</summary>
    /// <param name="key">The key: a service's name, say.</param>
    /// <param name="count">How many ports side by side.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The first port.</returns>
    /// <exception cref="OperationCanceledException">The wait was ended; nothing is held.</exception>
    /// <exception cref="PortsUnavailableException">There can never be such a run.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1, or more than the pool has.</exception>
    /// <remarks>Above a source that has to ask a server, such as a <c>LeasedArena</c>, it asks for the preferred port, whatever lies at
    /// hand: see <see cref="ISeekingArenaSource{T}"/>. The quantum of each arena down to that source must be 1. Else it goes by what lies
    /// at hand, and a key may get another port though its own is free further down. A search is O(segments) for each arena on the way,
    /// besides what the server takes. If all are taken, the call waits until somebody frees a port. It gets the preferred one if that is
    /// free by then, else the port that it waited for.</remarks>
    public async ValueTask<int> AllocateAsync(string key, int count = 1, CancellationToken cancellationToken = default)
    {
        int preferred = PreferredPort(key, count);
        using PortsInUse inUse = NoneInUse();
        if (_options.Source is ISeekingArenaSource<ushort> { Quantum: 1 }
            && (await SeekAsync(preferred, End - 1, count, inUse, cancellationToken).ConfigureAwait(false)
                ?? await SeekAsync(First, preferred + count - 2, count, inUse, cancellationToken).ConfigureAwait(false)) is { } sought)
        {
            return sought;
        }

        int first;
        while (!TryFindFrom(preferred, count, isWaiting: true, inUse, out first))
        {
            ushort found = await WaitAsync(count, 1, inUse, cancellationToken).ConfigureAwait(false);
            if (TryKeep(found, (ushort)count, preferred, inUse, out first))
            {
                break;
            }
        }

        return first;
    }

    /// <summary>Allocates ports side by side; waits until there are such.</summary>
    /// <param name="count">How many.</param>
    /// <param name="align">The first port is a multiple of this: 2 for the pairs of RTP and RTCP.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The first port.</returns>
    /// <exception cref="OperationCanceledException">The wait was ended; nothing is held.</exception>
    /// <exception cref="PortsUnavailableException">There can never be such a run.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1 or more than the pool has, or the alignment is no port's
    /// number.</exception>
    public async ValueTask<int> AllocateRunAsync(int count, int align = 1, CancellationToken cancellationToken = default)
    {
        CheckAligned(count, align);
        using PortsInUse inUse = NoneInUse();
        int first;
        while (!TryFind(count, Aligned(align), _options.Policy, isLast: false, inUse, out first))
        {
            ushort found = await WaitAsync(count, align, inUse, cancellationToken).ConfigureAwait(false);
            if (IsFree(found, (ushort)count, inUse))
            {
                return found;
            }
        }

        return first;
    }

    /// <summary>Allocates the lowest run in a window that the source has or can get.</summary>
    /// <returns>Null: it has none at present.</returns>
    private async ValueTask<int?> SeekAsync(int from, int last, int count, PortsInUse inUse, CancellationToken cancellationToken)
    {
        ISeekingArenaSource<ushort> source = Arena;
        while (last - from >= count - 1
            && await source.SeekAsync((ushort)count, (ushort)from, (ushort)last, cancellationToken).ConfigureAwait(false) is { } place)
        {
            if (Arena.TryAllocateConstrained((ushort)count, Window(place, place + count), FitPolicy.InstantFit, out ushort found)
                && IsFree(found, (ushort)count, inUse))
            {
                return found;
            }

            inUse.SetAside();                                  // nothing is held while the source is asked
            from = place + 1;                                  // it is in use on this machine, or another came first
        }

        return null;
    }

    // The caller keeps what comes. If it gave that back to look for a better one, the next in the queue would have it, do the same, and
    // so on round the queue.
    private async ValueTask<ushort> WaitAsync(int count, int align, PortsInUse inUse, CancellationToken cancellationToken)
    {
        inUse.SetAside();
        try
        {
            return await Arena.AllocateAsync((ushort)count, Aligned(align), _options.Policy, cancellationToken).ConfigureAwait(false);
        }
        catch (ArenaExhaustedException)
        {
            throw Unavailable(count, align);
        }
    }

    /// <summary>Exchanges a run that is held for the preferred one, if that is free; else tries the one that is held. Nothing is asked of a
    /// source for it: a span that was leased for an exchange would be kept from others.</summary>
    /// <returns>False if the run that was held is in use; it is set aside, and nothing is held.</returns>
    private bool TryKeep(ushort found, ushort count, int preferred, PortsInUse inUse, out int first)
    {
        bool isExchanged;
        first = found;
        try
        {
            isExchanged = found != preferred
                && Arena.Explain(count, Window(preferred, preferred + count)).Fits
                && TryFind(count, Window(preferred, preferred + count), FitPolicy.InstantFit, isLast: false, inUse, out preferred);
        }
        catch
        {
            Arena.FreeAfter(found, count, TimeSpan.Zero);
            throw;
        }

        if (!isExchanged)
        {
            return IsFree(found, count, inUse);
        }

        first = preferred;
        try
        {
            Arena.FreeAfter(found, count, TimeSpan.Zero);
        }
        catch
        {
            Arena.FreeAfter((ushort)first, count, TimeSpan.Zero);       // found was revoked: the caller gets the exception, and no port
            throw;
        }

        return true;
    }
}
