using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>A call that blocks, on a thread of its own. Nothing here waits without a bound, so that a mistake fails instead of
/// hanging.</summary>
internal sealed class BlockedCall
{
    // Only reached when a test fails.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly Thread _thread;

    private BlockedCall(Func<(bool Met, uint Start)> call)
    {
        _thread = new Thread(() => Thrown = Record.Exception(() => (Met, Start) = call())) { IsBackground = true };
    }

    public bool Met { get; private set; }

    public uint Start { get; private set; }

    public Exception? Thrown { get; private set; }

    /// <summary>Starts the call and returns when it is queued.</summary>
    public static BlockedCall Begin(Arena<uint> arena, Func<(bool Met, uint Start)> call)
    {
        long waits = arena.GetStatistics().Waits;
        BlockedCall begun = new(call);
        begun._thread.Start();
        Assert.True(SpinWait.SpinUntil(() => arena.GetStatistics().Waits > waits, s_patience), "The call does not wait.");
        return begun;
    }

    public void Interrupt() => _thread.Interrupt();

    public BlockedCall End()
    {
        Assert.True(_thread.Join(s_patience), "The call goes on waiting.");
        return this;
    }

    public static void Until(Func<bool> condition) => Assert.True(SpinWait.SpinUntil(condition, s_patience), "It does not happen.");
}
