using Vmem.Tool.Blocks;

namespace Vmem.Tool.Replay;

/// <summary>Makes the targets that a recording is replayed through, in the order in which they were asked for.</summary>
internal sealed record TargetFactory
{
    /// <summary>Enough for what the warm-up allocates, and made quickly; arbitrary.</summary>
    private const ulong WarmUpLimit = 64 << 20;

    public required IReadOnlyList<AllocatorKind> Allocators { get; init; }

    /// <summary>The arena's lanes.</summary>
    public required IReadOnlyList<FitPolicy> Policies { get; init; }

    public required ulong Quantum { get; init; }

    /// <summary>Null: room for everything.</summary>
    public ulong? Limit { get; init; }

    /// <summary>The arena's caches; 0: none.</summary>
    public ulong CacheMax { get; init; }

    private ulong BlockQuantum => BuddyTarget.SmallestBlock(Quantum);

    public bool Uses(AllocatorKind allocator) => Allocators.Contains(allocator);

    /// <summary>The context for all recordings' clients; null where there are none.</summary>
    public ClientContext? CreateContext() => Uses(AllocatorKind.Client) ? new ClientContext(BlockQuantum, Limit) : null;

    /// <param name="recording">Its name.</param>
    /// <param name="context">From <see cref="CreateContext"/>.</param>
    public IReadOnlyList<IReplayTarget> Create(string recording, ClientContext? context) =>
        [.. Allocators.SelectMany(allocator => Create(allocator, recording, context))];

    /// <summary>Runs targets of the same kinds on made-up work.</summary>
    public void WarmUp(int rounds, CancellationToken cancellationToken)
    {
        // An arena without a limit is another than one with: next fit has its window. For the others it is only more to set up.
        ulong most = Math.Max(WarmUpLimit, ClientContext.LeastSize(BlockQuantum));
        TargetFactory small = this with { Limit = Math.Min(Limit ?? most, most) };
        using ClientContext? context = small.CreateContext();
        IEnumerable<IReplayTarget> targets =
            Allocators.SelectMany(allocator => (allocator == AllocatorKind.Arena ? this : small).Create(allocator, "warm-up", context));
        Replay.WarmUp.Run(targets, rounds, cancellationToken);
    }

    private IEnumerable<IReplayTarget> Create(AllocatorKind allocator, string recording, ClientContext? context) => allocator switch
    {
        AllocatorKind.Arena => Policies.Select(policy => new ArenaTarget(policy, Quantum, Limit, CacheMax)),
        AllocatorKind.Buddy => [new BuddyTarget(Quantum, Limit)],
        AllocatorKind.Client => [context!.CreateTarget(recording)],
        _ when AllocatorNames.IsMemory(allocator) => [new BlockTarget(BlockAllocators.Create(allocator, Limit))],
        _ => throw new ArgumentOutOfRangeException(nameof(allocator), allocator, "There is no such allocator."),
    };
}
