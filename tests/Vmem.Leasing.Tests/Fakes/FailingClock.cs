using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Fakes;

/// <summary>A clock that stands still until it is moved, and fails while a test says so.</summary>
internal sealed class FailingClock : TimeProvider
{
    private volatile bool _fails;
    private volatile bool _failsToSet;

    public ManualTime Inner { get; } = new();

    /// <summary>Neither tells the time nor makes timers.</summary>
    public bool Fails
    {
        get => _fails;
        set => _fails = value;
    }

    /// <summary>Its timers cannot be set anew.</summary>
    public bool FailsToSet
    {
        get => _failsToSet;
        set => _failsToSet = value;
    }

    public override long TimestampFrequency => Inner.TimestampFrequency;

    public override long GetTimestamp() => Fails ? throw Fault() : Inner.GetTimestamp();

    public override DateTimeOffset GetUtcNow() => Fails ? throw Fault() : Inner.GetUtcNow();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        Fails ? throw Fault() : new Timer(this, Inner.CreateTimer(callback, state, dueTime, period));

    private static InvalidOperationException Fault() => new("The clock fails.");

    private sealed class Timer(FailingClock clock, ITimer inner) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => clock.FailsToSet ? throw Fault() : inner.Change(dueTime, period);

        public void Dispose() => inner.Dispose();

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
