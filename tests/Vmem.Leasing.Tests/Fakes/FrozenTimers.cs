using System.Threading;

namespace Vmem.Leasing.Tests.Fakes;

/// <summary>A clock that moves while no timer runs, as for a process that was stopped.</summary>
internal sealed class FrozenTimers : TimeProvider
{
    private long _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => Volatile.Read(ref _now);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Never();

    public void Move(TimeSpan by) => Interlocked.Add(ref _now, by.Ticks);

    private sealed class Never : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
