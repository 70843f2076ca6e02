using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>A source that lets nobody go: whoever leaves it is told why his wait ended or could not begin, and not what the source
/// says.</summary>
public class LeavingFaultTests
{
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    private readonly TroubledSource _source = new() { OnUnsubscribe = static () => throw new TimeZoneNotFoundException() };
    private readonly TroubledTime _time = new();

    private Arena<uint> Full(TimeProvider? time = null)
    {
        Arena<uint> arena = new("left", 0, 20, 1, new ArenaOptions<uint> { Source = _source, Limit = 40, TimeProvider = time ?? _time });
        _ = arena.Allocate(20);
        return arena;
    }

    private void End(Arena<uint> arena)
    {
        Assert.Equal(0, _source.Listeners);
        arena.Free(0, 20);
        arena.Validate();
        arena.Dispose();
    }

    [Fact]
    public void Who_is_interrupted_is_told_so()
    {
        Arena<uint> arena = Full();
        BlockedCall call = BlockedCall.Begin(arena, () => (arena.TryAllocate(10, Timeout.InfiniteTimeSpan, out uint start), start));
        call.Interrupt();
        Assert.IsType<ThreadInterruptedException>(call.End().Thrown);
        End(arena);
    }

    [Fact]
    public void A_wait_that_fails_to_begin_says_why()
    {
        Arena<uint> arena = Full();
        _time.OnTimer = static () => throw new NotSupportedException();
        Assert.Throws<NotSupportedException>(() => arena.TryAllocate(10, s_minute, out _));
        End(arena);
    }

    [Fact]
    public void A_request_that_can_never_be_met_says_so()
    {
        Arena<uint> arena = Full();
        Assert.Throws<ArgumentException>(() => arena.TryAllocate(50, s_minute, out _));
        End(arena);
    }

    /// <summary>Somebody else listens meanwhile, and is served: so the one whose subscription failed is the last to leave.</summary>
    [Fact]
    public void A_subscription_that_fails_says_why()
    {
        Arena<uint> arena = Full();
        Task<uint>? other = null;
        _source.OnSubscribe = () =>
        {
            _source.OnSubscribe = null;
            other = arena.AllocateAsync(20).AsTask();
            arena.Free(0, 20);
            throw new NotSupportedException();
        };
        Assert.Throws<NotSupportedException>(() => { _ = arena.AllocateAsync(10); });
        Assert.Equal(0u, other!.Result);
        End(arena);
    }

    [Fact]
    public void The_thread_of_the_timer_is_told_nothing()
    {
        ManualTime time = new();
        Arena<uint> arena = Full(time);
        BlockedCall call = BlockedCall.Begin(arena, () => (arena.TryAllocate(10, s_minute, out uint start), start));
        BlockedCall.Until(() => time.Timers == 1);
        time.Advance(s_minute);
        Assert.False(call.End().Met);
        Assert.Null(call.Thrown);
        Assert.Equal(1, arena.GetStatistics().Failures);
        End(arena);
    }
}
