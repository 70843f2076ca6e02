using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Vmem.Memory;

namespace Vmem.AspNetCore.Pools;

/// <summary>Makes the pool that a whole server shares.</summary>
internal static partial class ServerPool
{
    /// <summary>How much shorter than a page a block is.</summary>
    public const int Stagger = 16;

    /// <exception cref="ArgumentOutOfRangeException">The limit is negative, or less than a slab: the pool takes whole ones.</exception>
    public static void CheckLimit(long limit)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(limit);
        if (limit != 0)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan((ulong)limit, new PinnedMemoryPoolOptions().SlabSize, nameof(limit));
        }
    }

    public static PinnedMemoryPool<byte> Create(VmemPoolOptions options, IServiceProvider provider)
    {
        CheckLimit(options.Limit);
        ILogger<PinnedMemoryPool<byte>>? logger = provider.GetService<ILogger<PinnedMemoryPool<byte>>>();
        return new PinnedMemoryPool<byte>(new PinnedMemoryPoolOptions
        {
            Name = VmemWebHost.PoolKey,
            Limit = (nuint)options.Limit,
            Stagger = Stagger,
            RetainedInterval = options.TrimInterval,
            RecycleOwners = options.RecycleOwners,
            TrackLeaks = options.TrackLeaks,
            Leaked = logger is null ? null : leak => LogLeak(logger, leak.Size, leak.Time, leak.Stack),
            Audit = options.Audit,
            TimeProvider = options.TimeProvider,
        });
    }

    [LoggerMessage(1, LogLevel.Error, "{Size} bytes of the server's pool were dropped without having been returned. They were rented at {Time:O} by\n{Stack}")]
    private static partial void LogLeak(ILogger logger, nuint size, DateTimeOffset time, string stack);
}
