using Vmem.Testing.Internals;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>What goes away is no concern of most of those who wait: whoever takes it away looks at them one by one.</summary>
public class LongQueueTests
{
    private const int Waiters = 2_000;

    [Fact]
    public void Removing_a_span_copies_no_queue()
    {
        using Arena<uint> arena = new("queued", 0, 100, 1);
        arena.Allocate(100);
        ValueTask<uint>[] waits = [.. Enumerable.Range(0, Waiters).Select(_ => arena.AllocateAsync(10))];
        long bytes = Garbage.Of(1, () =>
        {
            arena.AddSpan(1_000, 1);
            Assert.True(arena.TryRemoveSpan(1_000, 1));
        });
        Assert.InRange(bytes, 0, Waiters);        // a copy is 8 bytes for each
        Assert.DoesNotContain(waits, static wait => wait.IsCompleted);
        arena.Validate();
    }

    /// <summary>Every third one wants more than is left when the large span goes.</summary>
    [Fact]
    public void Of_a_long_queue_just_those_fail_who_counted_on_what_went()
    {
        using Arena<uint> arena = new("queued", 0, 100, 1);
        arena.Allocate(100);
        arena.AddSpan(1_000, 500);
        Assert.True(arena.TryAllocateAt(1_000, 500));
        ValueTask<uint>[] waits = [.. Enumerable.Range(0, Waiters).Select(i => arena.AllocateAsync(i % 3 == 1 ? 300u : 10))];
        arena.AddSpan(5_000, 5);
        Assert.DoesNotContain(waits, static wait => wait.IsCompleted);
        Assert.True(arena.TryDrainSpan(1_000));
        arena.Free(1_000, 500);
        Assert.All(waits.Select(static (wait, i) => (wait, i)), static it => Assert.Equal(it.i % 3 == 1, it.wait.IsFaulted));
        arena.Validate();
    }
}
