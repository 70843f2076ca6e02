namespace Vmem.Testing.Time;

/// <summary>A clock whose timers call whenever a test says so, even those that were disposed of: as the runtime's timers can, whose call
/// may be under way then.</summary>
public sealed class LateTime : TimeProvider
{
    private readonly List<(TimerCallback Callback, object? State)> _timers = [];

    /// <summary>Called as a timer is disposed of; null: nothing is.</summary>
    public Action? Disposed { get; set; }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        _timers.Add((callback, state));
        return new LateTimer(this);
    }

    /// <summary>Every timer that was ever made calls.</summary>
    /// <returns>How many did.</returns>
    public int Fire()
    {
        foreach ((TimerCallback callback, object? state) in _timers.ToArray())
        {
            callback(state);
        }

        return _timers.Count;
    }

    private sealed class LateTimer(LateTime time) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose() => time.Disposed?.Invoke();

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
