using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>A request of an importing arena fails only if neither it nor its source has room: nothing that is kept in reserve, rounded, or
/// in flight may be in the way.</summary>
public class HonestFailureTests
{
    [Fact]
    public void Empty_imports_that_are_kept_do_not_make_a_request_fail()
    {
        using Arena<uint> parent = new("parent", 0, 128, 1);
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = parent });
        child.Free(child.Allocate(64), 64);
        Assert.True(child.TryAllocate(100, out _));
        child.Validate();
    }

    [Fact]
    public void Empty_imports_that_are_kept_do_not_count_against_the_limit()
    {
        using Arena<uint> parent = new("parent", 0, 1_000, 1);
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = parent, Limit = 100 });
        child.Free(child.Allocate(50), 50);
        Assert.True(child.TryAllocate(80, out _));
        Assert.False(child.TryAllocate(30, out _));
        child.Validate();
    }

    [Theory]
    [InlineData(3u, 10u)]
    [InlineData(100u, 110u)]
    public void A_window_narrower_than_the_source_s_quantum_is_met_from_the_units_around_it(uint min, uint max)
    {
        using Arena<uint> parent = new("parent", 0, 1_024, 16);
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = parent });
        uint start = child.AllocateConstrained(4, new() { Min = min, Max = max });
        Assert.InRange(start, min, max - 4);
        child.Validate();
    }

    [Fact]
    public void An_arena_disposed_while_its_source_is_asked_gives_the_import_back()
    {
        Arena<uint>? child = null;
        using Arena<uint> parent = new("parent", 0, 1_024, 1);
        child = new Arena<uint>("child", 1, new ArenaOptions<uint> { Source = new InterruptedSource(parent, () => child!.Dispose()) });
        Assert.Throws<ObjectDisposedException>(() => child.Allocate(10));
        Assert.Equal(0u, parent.GetStatistics().InUse);
    }

    [Fact]
    public void A_span_added_while_the_source_is_asked_does_not_come_to_overlap_the_import()
    {
        Arena<uint>? child = null;
        using Arena<uint> parent = new("parent", 1_000, 100, 1);
        child = new Arena<uint>("child", 1, new ArenaOptions<uint> { Source = new InterruptedSource(parent, () => child!.AddSpan(1_050, 10)) });
        Assert.Throws<InvalidOperationException>(() => child.Allocate(100));
        Assert.Equal(0u, parent.GetStatistics().InUse);
        child.Validate();
        child.Dispose();
    }

    [Fact]
    public void A_limit_and_a_source_without_room_are_named_in_the_error()
    {
        using Arena<uint> parent = new("parent", 0, 64, 1);
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = parent, Limit = 100 });
        Assert.Contains("limit", Assert.Throws<ArenaExhaustedException>(() => child.Allocate(101)).Message, StringComparison.Ordinal);
        Assert.Contains("source", Assert.Throws<ArenaExhaustedException>(() => child.Allocate(80)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Ranges_taken_before_the_source_throws_are_freed_again()
    {
        using Arena<uint> arena = new("child", 1, new ArenaOptions<uint> { Source = new ThrowingAfterOne() });
        Assert.Throws<TimeoutException>(() => arena.TryAllocateMany(10, new uint[10]));
        Assert.Equal(0u, arena.GetStatistics().InUse);
        arena.Validate();
    }

    /// <summary>Passes every request on, and does something else in between.</summary>
    private sealed class InterruptedSource(Arena<uint> inner, Action meanwhile) : IArenaSource<uint>
    {
        public uint Quantum => inner.Quantum;

        public bool TryImport(uint size, in RangeConstraints<uint> constraints, out uint start, out uint imported)
        {
            bool found = ((IArenaSource<uint>)inner).TryImport(size, constraints, out start, out imported);
            meanwhile();
            return found;
        }

        public void Release(uint start, uint size) => inner.Free(start, size);
    }

    private sealed class ThrowingAfterOne : IArenaSource<uint>
    {
        private bool _given;

        public uint Quantum => 1;

        public bool TryImport(uint size, in RangeConstraints<uint> constraints, out uint start, out uint imported)
        {
            start = 100;
            imported = 20;
            bool first = !_given;
            _given = true;
            return first ? true : throw new TimeoutException();
        }

        public void Release(uint start, uint size)
        {
        }
    }
}
