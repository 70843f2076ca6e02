namespace Vmem.Testing.Time;

/// <summary>A clock of which a reading can be interrupted: to have something happen in the middle of what reads it.</summary>
/// <param name="time">The clock that it shows.</param>
public sealed class InterruptedTime(TimeProvider time) : TimeProvider
{
    private Action? _interruption;

    public override long TimestampFrequency => time.TimestampFrequency;

    /// <summary>Calls once, before the next reading is answered, on the thread that reads.</summary>
    public void AtNextReading(Action interruption) => _interruption = interruption;

    public override long GetTimestamp()
    {
        Interrupt();
        return time.GetTimestamp();
    }

    public override DateTimeOffset GetUtcNow()
    {
        Interrupt();
        return time.GetUtcNow();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        time.CreateTimer(callback, state, dueTime, period);

    private void Interrupt() => Interlocked.Exchange(ref _interruption, null)?.Invoke();
}
