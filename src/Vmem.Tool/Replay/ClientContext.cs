using System.Diagnostics;
using System.Numerics;
using Vmem.Memory;

namespace Vmem.Tool.Replay;

/// <summary>
/// The context whose clients recordings are replayed through, and what becomes of it when they are deleted, one after the other, with all
/// that their programs left.
/// </summary>
internal sealed class ClientContext : IDisposable
{
    /// <summary>The context when the user sets no limit: more than most recorded programs hold. What is not used of it costs nothing but
    /// addresses, and its tables' untouched pages. Arbitrary.</summary>
    public const ulong UsualSize = 4UL << 30;

    /// <summary>The library's own least; smaller clients' quanta are refused.</summary>
    public const ulong LeastAlignment = 8;

    /// <summary>The library's own most: 64 units are a granule, of 2 GiB at most.</summary>
    public const ulong MostAlignment = (1UL << 31) / UnitsPerBlock;

    // The library's own rules: a granule is 64 KiB and not below 64 units. In a context of few granules a client that grows would soon
    // hold them all; 16 are an arbitrary few.
    private const ulong UsualBlockSize = 64 * 1024;
    private const ulong UnitsPerBlock = 64;
    private const ulong LeastBlocks = 16;

    private readonly MemoryContext _context;
    private readonly bool _isLimited;
    private readonly long _emptyBookkeepingBytes;
    private readonly List<ClientTarget> _targets = [];
    private ulong _end;

    /// <param name="quantum">The alignment.</param>
    /// <param name="limit">The context's size; null: <see cref="UsualSize"/>.</param>
    /// <exception cref="ArgumentException">There is no such context: see the message.</exception>
    /// <exception cref="OutOfMemoryException">The system does not give as much.</exception>
    public ClientContext(ulong quantum, ulong? limit)
    {
        _isLimited = limit is not null;
        ulong size = limit ?? UsualSize;
        ulong blockSize = Math.Clamp(
            1UL << BitOperations.Log2(size / LeastBlocks | 1),
            LeastSize(quantum),
            Math.Max(UsualBlockSize, LeastSize(quantum)));
        _context = new MemoryContext(
            (nuint)(size & ~(blockSize - 1)),
            new MemoryContextOptions { Alignment = (nuint)quantum, BlockSize = (nuint)blockSize });
        _emptyBookkeepingBytes = _context.GetStatistics().BookkeepingBytes;
    }

    /// <summary>Its figures now.</summary>
    public MemoryContextStatistics Statistics => _context.GetStatistics();

    /// <summary>Allocations of any client that found no room.</summary>
    public long Failures => _targets.Sum(target => target.Client.GetStatistics().Failures);

    public ulong BlockSize => _context.BlockSize;

    /// <summary>The smallest context there is at an alignment.</summary>
    public static ulong LeastSize(ulong quantum) => UnitsPerBlock * quantum;

    /// <param name="name">The recording's.</param>
    public ClientTarget CreateTarget(string name)
    {
        var target = new ClientTarget(this, _context, _context.CreateClient(name));
        _targets.Add(target);
        return target;
    }

    /// <summary>Notes how far the context is in use.</summary>
    public void NoteEnd(ulong end) => _end = Math.Max(_end, end);

    /// <summary>The whole context's, all clients' together. Without a limit, of one that is no larger than what was used of it: whoever
    /// chose the size did so for no reason of the program's.</summary>
    public long GetBookkeepingBytes()
    {
        long all = _context.GetStatistics().BookkeepingBytes;
        return _isLimited ? all : all - _emptyBookkeepingBytes + (long)(_emptyBookkeepingBytes * ((double)_end / _context.Size));
    }

    /// <summary>Deletes the clients in the order of their recordings.</summary>
    public IReadOnlyList<ClientEnd> DeleteClients() => [.. _targets.Select(Delete)];

    public void Dispose() => _context.Dispose();

    private ClientEnd Delete(ClientTarget target)
    {
        MemoryClientStatistics last = target.Client.GetStatistics();
        long start = Stopwatch.GetTimestamp();
        target.Client.Dispose();
        return new ClientEnd(last, Stopwatch.GetElapsedTime(start), _context.GetStatistics());
    }
}

/// <param name="Last">What the client held when its recording ended.</param>
/// <param name="Duration">How long it took to delete it.</param>
/// <param name="ContextThen">The context without it.</param>
internal sealed record ClientEnd(MemoryClientStatistics Last, TimeSpan Duration, MemoryContextStatistics ContextThen);
