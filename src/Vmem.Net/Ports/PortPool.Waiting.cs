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
    /// <remarks>Above a <c>LeasedArena</c> the first call waits for the first span: <see cref="Allocate(string, int)"/> would find
    /// nothing.</remarks>
    public async ValueTask<int> AllocateAsync(string key, int count = 1, CancellationToken cancellationToken = default)
    {
        int first;
        while (!TryAllocate(key, out first, count))
        {
            await WaitAsync(count, 1, cancellationToken).ConfigureAwait(false);
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
        int first;
        while (!TryAllocateRun(count, out first, align))
        {
            await WaitAsync(count, align, cancellationToken).ConfigureAwait(false);
        }

        return first;
    }

    // What came is free again at once: the caller looks for the port that it likes best, and tries it.
    private async ValueTask WaitAsync(int count, int align, CancellationToken cancellationToken)
    {
        ushort found;
        try
        {
            found = await Arena.AllocateAsync((ushort)count, Aligned(align), _options.Policy, cancellationToken).ConfigureAwait(false);
        }
        catch (ArenaExhaustedException)
        {
            throw Unavailable(count, align);
        }

        Arena.FreeAfter(found, (ushort)count, TimeSpan.Zero);
    }
}
