using System.Text;
using Vmem.Diagnostics;
using Vmem.Testing.Recording;
using Xunit;

namespace Vmem.Tests.Recording;

/// <summary>What a recording holds, when it begins and ends, and what is refused.</summary>
public class RecordingTests
{
    [Fact]
    public void A_recording_is_text_with_the_live_ranges_first()
    {
        using Arena<ushort> arena = new("ports", 49_152, 16_384, 1);
        ushort before = arena.Allocate(2);
        string text = Record(arena, () =>
        {
            ushort port = arena.Allocate(1);
            arena.TryExtend(before, 2, 1);
            arena.Free(port, 1);
        });
        string[] lines = [.. text.Split('\n').Where(static line => !line.StartsWith("t ", StringComparison.Ordinal))];
        Assert.Equal(["vmem 2", "n ports", "q 1", "s 49152 16384", "a 49152 2", "a 49154 1", "r 49152 1", "f 49154", "# end: 4 events, 0 left out", ""], lines);
    }

    [Fact]
    public void Every_way_in_and_out_is_recorded_once()
    {
        using Arena<uint> arena = new("ways", 0, 1 << 16, 16, new ArenaOptions<uint> { QuantumCacheMax = 64 });
        using RecordedArena<uint> recorded = new(arena);
        uint[] starts = new uint[20];
        uint cached = arena.Allocate(16);
        Assert.True(arena.TryAllocateHandle(100, out RangeHandle<uint> handle));
        Assert.True(arena.TryAllocateHandle(100, new() { Align = 64 }, FitPolicy.BestFit, out RangeHandle<uint> placed));
        uint constrained = arena.AllocateConstrained(200, new() { Align = 256 });
        Assert.Equal(20, arena.TryAllocateMany(32, starts));
        arena.FreeMany(starts, 32);
        Assert.Equal(20, arena.TryAllocateMany(128, starts));
        arena.FreeMany(starts, 128);
        arena.Free(handle);
        arena.Free(placed.Start, placed.Size);
        arena.FreeConstrained(constrained, 200);
        arena.Free(cached, 16);
        uint best = arena.Allocate(300, FitPolicy.BestFit);
        Assert.True(arena.TryExtend(best, 300, 400));
        arena.AddSpan(1 << 20, 1 << 10);
        Assert.True(arena.TryRemoveSpan(1 << 20, 1 << 10));
        Assert.Equal((2 * (4 + 40)) + 2, recorded.Check().Events);
    }

    [Fact]
    public void What_an_arena_above_imports_is_recorded_in_both()
    {
        using Arena<uint> parent = new("parent", 0, 1 << 16, 256);
        using Arena<uint> child = new("child", 16, new ArenaOptions<uint> { Source = parent, QuantumCacheMax = 64 });
        using RecordedArena<uint> below = new(parent);
        using RecordedArena<uint> above = new(child);
        List<uint> starts = [.. Enumerable.Range(0, 300).Select(_ => child.Allocate(48))];
        starts.ForEach(start => child.Free(start, 48));
        child.Allocate(1_000);
        child.Reap();
        above.Check();
        Assert.NotEqual(0, below.Check().Events);
    }

    [Fact]
    public void A_wrong_free_is_not_recorded()
    {
        using Arena<uint> arena = new("wrong", 0, 1 << 16, 16, new ArenaOptions<uint> { QuantumCacheMax = 64 });
        using RecordedArena<uint> recorded = new(arena);
        uint start = arena.Allocate(100);
        uint[] twice = [start, start];
        Assert.Throws<InvalidFreeException>(() => arena.Free(start + 16, 100));
        Assert.Throws<InvalidFreeException>(() => arena.FreeMany(twice, 100));
        Assert.Throws<InvalidFreeException>(() => arena.Free(default(RangeHandle<uint>)));
        Assert.Equal(1, recorded.Check().Events);
    }

    [Fact]
    public void An_audited_arena_can_be_recorded()
    {
        using Arena<uint> arena = new("audited", 0, 1 << 16, 16, new ArenaOptions<uint> { Audit = true });
        using RecordedArena<uint> recorded = new(arena);
        uint start = arena.Allocate(100);
        Assert.True(arena.TryAllocateHandle(100, out RangeHandle<uint> handle));
        arena.TryExtend(start, 100, 50);
        arena.Free(handle);
        Assert.Equal(4, recorded.Check().Events);
    }

    [Fact]
    public void Amounts_of_128_bits_are_written_in_quanta()
    {
        UInt128 quantum = UInt128.One << 64;
        using Arena<UInt128> arena = new("prefixes", UInt128.One << 96, UInt128.One << 80, quantum);
        using RecordedArena<UInt128> recorded = new(arena);
        arena.Allocate(quantum * 4);
        RecordedRanges ranges = recorded.Check();
        Assert.Equal(quantum, ranges.Unit);
        Assert.Equal(1u, ranges.Quantum);
    }

    [Fact]
    public void A_range_has_the_tag_of_the_thread_and_tags_have_names()
    {
        using Arena<uint> arena = new("tagged", 0, 1 << 16, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });
        using MemoryStream stream = new();
        uint[] starts = new uint[4];
        using (arena.Record(stream, new ArenaRecordingOptions { TagName = static tag => tag == 7 ? "the seventh\nsubsystem" : null }))
        {
            using (RecordingTag.Use(7))
            {
                starts[0] = arena.Allocate(1);
                using (RecordingTag.Use(8))
                {
                    starts[1] = arena.Allocate(100);
                }

                starts[2] = arena.Allocate(100);
            }

            starts[3] = arena.Allocate(1);
        }

        RecordedRanges ranges = RecordedRanges.Read(stream.ToArray());
        Assert.Equal([7ul, 8ul, 7ul, 0ul], starts.Select(start => ranges.TagOf(start)));
        Assert.Equal("the seventh subsystem", Assert.Single(ranges.TagNames).Value);
    }

    /// <summary>Also for one that has no name, and for no more tags than there is room for.</summary>
    [Fact]
    public void The_name_of_a_tag_is_asked_for_once()
    {
        const uint most = 1 << 16;
        using Arena<uint> arena = new("named", 0, 16, 1);
        Dictionary<ulong, int> asked = [];
        using MemoryStream stream = new();
        ArenaRecordingOptions options = new() { MaxWait = Timeout.InfiniteTimeSpan, TagName = NameOf };
        using (arena.Record(stream, options))
        {
            for (uint i = 0; i < 2 * (most + 100); i++)
            {
                using (RecordingTag.Use((i / 2) + 1))
                {
                    arena.Free(arena.Allocate(1), 1);
                }
            }
        }

        Assert.Equal((int)most, asked.Count);
        Assert.All(asked, static tag => Assert.Equal(1, tag.Value));

        string? NameOf(ulong tag)
        {
            asked[tag] = asked.GetValueOrDefault(tag) + 1;
            return tag % 2 == 0 ? "even" : null;
        }
    }

    [Fact]
    public async Task A_request_that_waits_keeps_the_tag_it_was_made_with()
    {
        using Arena<uint> arena = new("waiting", 0, 100, 1);
        uint all = arena.Allocate(100);
        using MemoryStream stream = new();
        using (arena.Record(stream))
        {
            ValueTask<uint> waits;
            using (RecordingTag.Use(5))
            {
                waits = arena.AllocateAsync(10, TestContext.Current.CancellationToken);
            }

            arena.Free(all, 100);
            Assert.Equal(0u, await waits);
        }

        Assert.Equal(5ul, RecordedRanges.Read(stream.ToArray()).TagOf(0));
    }

    [Fact]
    public void One_recording_at_a_time()
    {
        using Arena<uint> arena = new("once", 0, 100, 1);
        using MemoryStream second = new();
        using (ArenaRecording recording = arena.Record(Stream.Null))
        {
            InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => arena.Record(second));
            Assert.Contains("'once' is being recorded already", refused.Message, StringComparison.Ordinal);
            Assert.True(second.CanWrite);
            Assert.False(recording.HasEnded);
        }

        arena.Record(second).Dispose();
        Assert.False(second.CanWrite);
    }

    [Fact]
    public void Ends_with_the_arena_and_what_is_live_stays_live()
    {
        using MemoryStream stream = new();
        Arena<uint> arena = new("ends", 0, 100, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });
        ArenaRecording recording = arena.Record(stream, new ArenaRecordingOptions { LeaveOpen = true });
        uint start = arena.Allocate(4);
        arena.Dispose();
        Assert.True(recording.HasEnded);
        Assert.True(stream.CanWrite);
        Assert.Equal([(start, (UInt128)4)], RecordedRanges.Read(stream.ToArray()).Live);
        recording.Dispose();
        recording.Dispose();
        Assert.Throws<ObjectDisposedException>(() => arena.Record(stream));
    }

    [Fact]
    public void What_makes_no_sense_is_refused_and_the_stream_left_alone()
    {
        using Arena<uint> arena = new("refusing", 0, 100, 1);
        using MemoryStream stream = new();
        using MemoryStream readOnly = new([], writable: false);
        Assert.Throws<ArgumentNullException>(() => arena.Record(null!));
        Assert.Contains("cannot be written to", Assert.Throws<ArgumentException>(() => arena.Record(readOnly)).Message, StringComparison.Ordinal);
        Assert.Contains(
            "Capacity",
            Assert.Throws<ArgumentException>(() => arena.Record(stream, new() { Capacity = 100 })).Message,
            StringComparison.Ordinal);
        Assert.Contains(
            "MaxWait",
            Assert.Throws<ArgumentException>(() => arena.Record(stream, new() { MaxWait = TimeSpan.FromDays(-1) })).Message,
            StringComparison.Ordinal);
        Assert.True(stream.CanWrite);
        Assert.Equal(0, stream.Length);
    }

    /// <summary>The quantum caches that were there before, during and after a recording are three different ones, and count as
    /// one.</summary>
    [Fact]
    public void Statistics_do_not_notice_a_recording()
    {
        using Arena<uint> arena = new("counted", 0, 1 << 16, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });
        for (int part = 0; part < 3; part++)
        {
            using ArenaRecording? recording = part == 1 ? arena.Record(Stream.Null) : null;
            for (int i = 0; i < 100; i++)
            {
                arena.Free(arena.Allocate(4), 4);
            }

            arena.Validate();
        }

        ArenaStatistics<uint> statistics = arena.GetStatistics();
        Assert.Equal(300, statistics.Allocations);
        Assert.Equal(300, statistics.Frees);
        Assert.Equal(0u, statistics.InUse);
        Assert.NotEqual(0u, statistics.Cached);
    }

    internal static string Record<T>(Arena<T> arena, Action action)
        where T : unmanaged, System.Numerics.IBinaryInteger<T>, System.Numerics.IUnsignedNumber<T>, System.Numerics.IMinMaxValue<T>
    {
        using MemoryStream stream = new();
        using (arena.Record(stream))
        {
            action();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
