using System.Diagnostics;
using System.Globalization;
using Vmem.Net.Ports;

namespace Vmem.Net;

/// <summary>A pool of ports: a range, less those that are used on this machine.</summary>
/// <remarks>
/// <para>
/// An <see cref="Arena{T}"/> of ports does the work. A port that it offers is tried before a caller gets it. If others use it, the arena is
/// asked again. When the call ends or waits, the ports in use that it found rest for <see cref="PortPoolOptions.RecheckAfter"/>: so it
/// tries each once.
/// </para>
/// <para>
/// A key has a preferred port, by its hash. It gets that if it is free, else the next free one above it, and round. So a service keeps its
/// port over restarts, as long as nobody else has it. Above a source that leases from a server,
/// <see cref="AllocateAsync(string, int, CancellationToken)"/> asks for it there.
/// </para>
/// <para>
/// Nobody can reserve a port of the machine without binding it. Between the check and the caller's own bind another program may come first:
/// then call <see cref="SetAside"/>, and allocate another one. Safe to share between threads.
/// </para>
/// <para>
/// A call takes O(log n) for each place that it tries, and a check of each port there: four binds, some microseconds each. Frees and claims
/// take what those of the arena take. <see cref="Refresh"/> is O(listeners of the machine).
/// </para>
/// </remarks>
[DebuggerDisplay("{Count} ports from {First}")]
public sealed partial class PortPool : IDisposable
{
    private readonly PortPoolOptions _options;
    private readonly Func<int, bool>? _isInUse;

    /// <summary>Makes a pool.</summary>
    /// <param name="name">A name for messages and metrics.</param>
    /// <param name="first">The first port, at least 1.</param>
    /// <param name="count">How many ports.</param>
    /// <param name="options">How it behaves; null for the defaults.</param>
    /// <exception cref="ArgumentOutOfRangeException">The range is empty, or reaches out of 1 to 65535.</exception>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    public PortPool(string name, int first, int count, PortPoolOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentOutOfRangeException.ThrowIfLessThan(first, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, ushort.MaxValue);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, 65536 - first);
        _options = options ?? new PortPoolOptions();
        if (_options.RecheckAfter <= TimeSpan.Zero)
        {
            throw new ArgumentException($"RecheckAfter must be more than zero, or a port in use would be tried for ever: {_options.RecheckAfter}.", nameof(options));
        }

        PortChecks unknown = _options.Checks & ~(PortChecks.Listeners | PortChecks.Bind);
        if (unknown != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(options), _options.Checks, $"There is no check 0x{(int)unknown:x}: Checks are {PortChecks.Listeners}, {PortChecks.Bind}, both or none.");
        }

        _isInUse = _options.IsInUse ?? (_options.Checks.HasFlag(PortChecks.Bind) ? LocalPorts.IsInUse : null);
        First = first;
        Count = count;
        var settings = new ArenaOptions<ushort>
        {
            Policy = _options.Policy,
            ReuseDelay = _options.ReuseDelay,
            TimeProvider = _options.TimeProvider,
            Source = _options.Source,
            RetainedImport = _options.Source is null ? (ushort)0 : ArenaOptions<ushort>.RetainNone,
        };
        Arena = _options.Source is null
            ? new Arena<ushort>(name, (ushort)first, (ushort)count, 1, settings)
            : new Arena<ushort>(name, 1, settings);
        if (_options.IsInUse is null && _options.Checks.HasFlag(PortChecks.Listeners))
        {
            try
            {
                Refresh();
            }
            catch
            {
                Arena.Dispose();
                throw;
            }
        }
    }

    /// <summary>The first port of the range.</summary>
    public int First { get; }

    /// <summary>How many ports the range has.</summary>
    public int Count { get; }

    /// <summary>The arena below: for statistics, snapshots, dumps, metrics, and to revoke what a source has lost. Allocate and free through
    /// the pool, not through it.</summary>
    public Arena<ushort> Arena { get; }

    private int End => First + Count;

    /// <summary>Allocates a port.</summary>
    /// <returns>The port.</returns>
    /// <exception cref="PortsUnavailableException">None is free.</exception>
    public int Allocate() => AllocateRun(1);

    /// <summary>Allocates a port, if there is one.</summary>
    /// <param name="port">The port.</param>
    /// <returns>False if none is free.</returns>
    public bool TryAllocate(out int port) => TryAllocateRun(1, out port);

    /// <summary>Allocates the port that a key prefers, or else the next free one above it, and round.</summary>
    /// <param name="key">The key: a service's name, say.</param>
    /// <param name="count">How many ports side by side.</param>
    /// <returns>The first port. The same for the same key and count, in each process and version, while it is free.</returns>
    /// <exception cref="PortsUnavailableException">There is no such run.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1, or more than the pool has.</exception>
    public int Allocate(string key, int count = 1) => TryAllocate(key, out int first, count) ? first : throw Unavailable(count, 1);

    /// <summary>Allocates the port that a key prefers, or else the next free one above it, and round, if there is one.</summary>
    /// <param name="key">The key: a service's name, say.</param>
    /// <param name="first">The first port.</param>
    /// <param name="count">How many ports side by side.</param>
    /// <returns>False if there is no such run.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1, or more than the pool has.</exception>
    public bool TryAllocate(string key, out int first, int count = 1)
    {
        int preferred = PreferredPort(key, count);
        using PortsInUse inUse = NoneInUse();
        return TryFindFrom(preferred, count, isWaiting: false, inUse, out first);
    }

    /// <summary>The port that a key prefers, whoever has it.</summary>
    /// <param name="key">The key.</param>
    /// <param name="count">How many ports side by side.</param>
    /// <returns>The first port: the range's first, plus the first eight bytes of the SHA-256 of the key's UTF-8, big-endian, modulo the
    /// number of places in the range.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1, or more than the pool has.</exception>
    public int PreferredPort(string key, int count = 1)
    {
        ArgumentNullException.ThrowIfNull(key);
        CheckRun(count);
        return First + PortKey.PlaceOf(key, Count - count + 1);
    }

    /// <summary>Allocates ports side by side.</summary>
    /// <param name="count">How many.</param>
    /// <param name="align">The first port is a multiple of this: 2 for the pairs of RTP and RTCP.</param>
    /// <returns>The first port.</returns>
    /// <exception cref="PortsUnavailableException">There is no such run.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1 or more than the pool has, or the alignment is no port's
    /// number.</exception>
    public int AllocateRun(int count, int align = 1) =>
        TryAllocateRun(count, out int first, align) ? first : throw Unavailable(count, align);

    /// <summary>Allocates ports side by side, if there are such.</summary>
    /// <param name="count">How many.</param>
    /// <param name="first">The first port.</param>
    /// <param name="align">The first port is a multiple of this: 2 for the pairs of RTP and RTCP.</param>
    /// <returns>False if there is no such run.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1 or more than the pool has, or the alignment is no port's
    /// number.</exception>
    public bool TryAllocateRun(int count, out int first, int align = 1)
    {
        CheckAligned(count, align);
        using PortsInUse inUse = NoneInUse();
        return TryFind(count, Aligned(align), _options.Policy, isLast: true, inUse, out first);
    }

    /// <summary>Takes exactly these ports, used or not: the caller knows that they are its own.</summary>
    /// <param name="first">The first port.</param>
    /// <param name="count">How many.</param>
    /// <returns>False, and nothing is changed, if one is not free in the pool, or lies outside its range.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1, or more than the pool has.</exception>
    public bool TryClaim(int first, int count = 1)
    {
        CheckRun(count);
        return first >= First && first <= End - count && Arena.TryAllocateAt((ushort)first, (ushort)count);
    }

    /// <summary>Frees ports as they were allocated. They rest for <see cref="PortPoolOptions.ReuseDelay"/>.</summary>
    /// <param name="first">The first port.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="InvalidFreeException">They are not allocated as such; nothing was changed.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The count is below 1 or more than the pool has, or the port is no port of the
    /// pool.</exception>
    public void Free(int first, int count = 1) => Arena.Free(CheckedPort(first, count), (ushort)count);

    /// <summary>Frees ports that could not be bound. Nobody gets them for <see cref="PortPoolOptions.RecheckAfter"/>.</summary>
    /// <inheritdoc cref="Free"/>
    public void SetAside(int first, int count = 1) => Arena.FreeAfter(CheckedPort(first, count), (ushort)count, _options.RecheckAfter);

    /// <summary>Sets all free ports aside that have a listener on this machine at present. Above a source it does nothing: its ports are
    /// tried as they come.</summary>
    public void Refresh()
    {
        foreach (int port in _options.Source is null ? LocalPorts.Listeners() : [])
        {
            // One that is not free may be a caller's, who listens: a claim in vain would count as a failure.
            if (Arena.TryGetSegment((ushort)port, out Segment<ushort> there) && there.Kind == SegmentKind.Free && TryClaim(port))
            {
                SetAside(port);
            }
        }
    }

    /// <summary>Gives everything back to the source, if there is one. The pool is of no use afterwards.</summary>
    public void Dispose() => Arena.Dispose();

    private void CheckRun(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, Count);
    }

    private void CheckAligned(int count, int align)
    {
        CheckRun(count);
        ArgumentOutOfRangeException.ThrowIfLessThan(align, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(align, ushort.MaxValue);
    }

    private ushort CheckedPort(int first, int count)
    {
        CheckRun(count);
        ArgumentOutOfRangeException.ThrowIfLessThan(first, First);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(first, End - count);
        return (ushort)first;
    }

    // The end of the range may be 65536, which is 0 in 16 bits: no bound.
    private static RangeConstraints<ushort> Window(int first, int end) => new() { Min = (ushort)first, Max = unchecked((ushort)end) };

    // Without a source there is nothing outside the range, and no window that had to be searched.
    private RangeConstraints<ushort> Aligned(int align) =>
        (_options.Source is null ? default : Window(First, End)) with { Align = (ushort)align };

    private PortsUnavailableException Unavailable(int count, int align)
    {
        FitReport<ushort> report = Arena.Explain((ushort)count, Aligned(align));
        string wanted = count == 1 ? "No port is" : string.Create(CultureInfo.InvariantCulture, $"No {count} ports side by side are");
        ushort resting = Arena.GetStatistics().Resting;
        string rests = resting == 0
            ? ""
            : string.Create(CultureInfo.InvariantCulture, $" At rest, as in use on this machine or just freed: {resting}.");
        return new($"{wanted} free in pool '{Arena.Name}' ({First} to {End - 1}): {report}{rests}");
    }
}
