namespace Vmem.Tests.Diagnostics;

/// <summary>A clock that stands still until it is advanced.</summary>
internal sealed class SetClock : TimeProvider
{
    private DateTimeOffset _now = new(2001, 6, 25, 9, 0, 0, TimeSpan.Zero);

    public override DateTimeOffset GetUtcNow() => _now;

    public void Advance(TimeSpan by) => _now += by;
}
