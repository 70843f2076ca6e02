using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Vmem.Memory;

namespace Vmem.AspNetCore.Pools;

/// <summary>Makes the pool that a whole server shares.</summary>
internal static partial class ServerPool
{
    /// <summary>How much shorter than a page a block is.</summary>
    public const int Stagger = 16;

    public static PinnedMemoryPool<byte> Create(VmemPoolOptions options, IServiceProvider provider)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(options.Limit, nameof(options));
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

    [LoggerMessage(1, LogLevel.Error, "{Size} bytes of the server's pool were dropped without having been returned. They were rented at {Time} by\n{Stack}")]
    private static partial void LogLeak(ILogger logger, nuint size, DateTimeOffset time, string stack);
}
