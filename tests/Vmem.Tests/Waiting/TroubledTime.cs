using Vmem.Testing.Time;

namespace Vmem.Tests.Waiting;

/// <summary>A clock that calls back once.</summary>
internal sealed class TroubledTime : TimeProvider
{
    private readonly ManualTime _time = new();

    public Action? OnTimestamp { get; set; }

    public Action? OnTimer { get; set; }

    /// <summary>How many timers are set.</summary>
    public int Timers => _time.Timers;

    public override long TimestampFrequency => _time.TimestampFrequency;

    public override long GetTimestamp()
    {
        Action? call = OnTimestamp;
        OnTimestamp = null;
        call?.Invoke();
        return _time.GetTimestamp();
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        Action? call = OnTimer;
        OnTimer = null;
        call?.Invoke();
        return _time.CreateTimer(callback, state, dueTime, period);
    }
}
