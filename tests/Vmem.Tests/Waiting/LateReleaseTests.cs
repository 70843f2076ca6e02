using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>A source that cannot say when it has room again: the arena itself must see that what it gives back may serve those who
/// wait.</summary>
public class LateReleaseTests
{
    /// <summary>Nobody waited when the span was taken out; when it reaches the source, somebody does.</summary>
    [Fact]
    public async Task A_request_that_is_queued_while_a_span_goes_back_is_served()
    {
        OneSpanSource source = new();
        using Arena<uint> arena = new("late", 1, new ArenaOptions<uint> { Source = source });
        arena.Free(arena.Allocate(64), 64);
        Task<uint>? waiting = null;
        source.Releasing = () => waiting ??= arena.AllocateAsync(10, TestContext.Current.CancellationToken).AsTask();
        Assert.Equal(64u, arena.Reap());
        await waiting!;
        arena.Validate();
    }

    /// <summary>What does not suit one request may suit another, which was queued while it was out.</summary>
    [Fact]
    public async Task A_request_that_is_queued_while_an_import_does_not_fit_is_served()
    {
        OneSpanSource source = new();
        using Arena<uint> arena = new("misfit", 1, new ArenaOptions<uint> { Source = source });
        Task<uint>? waiting = null;
        source.Releasing = () => waiting ??= arena.AllocateAsync(10, TestContext.Current.CancellationToken).AsTask();
        Assert.False(arena.TryAllocateConstrained(10, new RangeConstraints<uint> { Min = 1 << 20 }, out _));
        await waiting!;
        arena.Validate();
    }

    /// <summary>One span, for whatever is asked.</summary>
    private sealed class OneSpanSource : IArenaSource<uint>
    {
        private bool _isOut;

        public Action? Releasing { get; set; }

        public uint Quantum => 1;

        public bool TryImport(uint size, in RangeConstraints<uint> constraints, out uint start, out uint imported)
        {
            (start, imported) = (0, 64);
            return size <= 64 && !_isOut && (_isOut = true);
        }

        public void Release(uint start, uint size)
        {
            Releasing?.Invoke();
            _isOut = false;
        }
    }
}
