using Vmem.Testing.Time;

namespace Vmem.Leasing.PostgreSql.Tests.Queue;

/// <summary>A clock that stands still, counts who reads it, and may have no memory for it.</summary>
internal sealed class WatchedTime : TimeProvider
{
    private int _readings;
    private long _over;
    private int _readingsToFault;

    public ManualTime Manual { get; } = new();

    public int Readings => Volatile.Read(ref _readings);

    /// <summary>Whether the next timer cannot be made.</summary>
    public bool HasNoTimer { get; set; }

    public override long TimestampFrequency => Manual.TimestampFrequency;

    /// <summary>The test is over. From now on each reading is a millisecond later: else a queue that looks for more would do so for
    /// ever.</summary>
    public void GoOn() => Interlocked.Increment(ref _over);

    /// <summary>One reading fails: the next, if this is 1.</summary>
    public void FailReading(int number) => Volatile.Write(ref _readingsToFault, number);

    public override long GetTimestamp()
    {
        long now = Manual.GetTimestamp();                  // before it is counted: who sees the count may move the clock
        now += Volatile.Read(ref _over) == 0 ? 0 : Interlocked.Increment(ref _over) * TimestampFrequency / 1_000;
        Interlocked.Increment(ref _readings);
        return Interlocked.Decrement(ref _readingsToFault) == 0 ? throw new InsufficientMemoryException() : now;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        if (HasNoTimer)
        {
            HasNoTimer = false;
            throw new InsufficientMemoryException();
        }

        return Manual.CreateTimer(callback, state, dueTime, period);
    }
}
