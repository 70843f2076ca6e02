using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using Vmem.Testing.Generation;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Listing;

/// <summary>What a session sees of the event source "Vmem". Other tests' arenas are seen too: each test looks for its own names.</summary>
[Collection(nameof(VmemEventsTests))]
[CollectionDefinition(nameof(VmemEventsTests), DisableParallelization = true)]
public class VmemEventsTests
{
    private const int Failures = 0x1;
    private const int Leaks = 0x2;
    private const int Waits = 0x4;
    private const int Imports = 0x8;
    private const int Allocations = 0x10;
    private const int Arenas = 0x20;
    private const int Segments = 0x40;

    [Fact]
    public void Failures_leaks_and_imports_are_told()
    {
        using Session session = new(Failures | Leaks | Imports);
        Arena<uint> below = new("told below", 0, 4_096, 64);
        Arena<uint> above = new("told", 16, new ArenaOptions<uint> { Source = below });
        Assert.False(above.TryAllocate(5_000, out _));
        uint start = above.Allocate(100);
        above.Free(start, 100);
        _ = above.Allocate(33);
        above.Dispose();
        below.Dispose();
        Assert.Equal([5_008.0], session.Of("AllocationFailed", "told").Select(static payload => (double)payload[1]!));
        Assert.Contains(session.Of("SpanImported", "told"), payload => (string)payload[2]! == $"0x{start & ~63u:x}");
        Assert.Equal(session.Of("SpanImported", "told").Count, session.Of("SpanReleased", "told").Count);
        object?[] leak = Assert.Single(session.Of("ArenaLeaked", "told"));
        Assert.Equal((48.0, 1L), ((double)leak[1]!, (long)leak[2]!));
        Assert.Empty(session.Of("ArenaLeaked", "told below"));
    }

    /// <summary>What a plan tries out in a copy is no failure and no leak of anybody's.</summary>
    [Theory]
    [InlineData(0u)]
    [InlineData(60u)]
    public void A_plan_of_moves_is_told_to_nobody(uint wanted)
    {
        using Session session = new(Failures | Leaks);
        using Arena<uint> arena = new("planned", 0, 100, 1);
        arena.AllocateAtMany([new(0, 10, SegmentKind.Allocated), new(20, 10, SegmentKind.Allocated), new(45, 10, SegmentKind.Allocated)]);
        Assert.NotEmpty(arena.PlanDefragmentation(new() { Wanted = wanted }));
        Assert.Empty(session.Of("AllocationFailed", "rehearsal"));
        Assert.Empty(session.Of("ArenaLeaked", "rehearsal"));
        Assert.Empty(session.Of("AllocationFailed", "planned"));
    }

    [Fact]
    public async Task Waits_are_told_with_their_length()
    {
        using Session session = new(Waits);
        ManualTime time = new();
        using Arena<ushort> arena = new("told waits", 0, 10, 1, new ArenaOptions<ushort> { TimeProvider = time });
        ushort all = arena.Allocate(10);
        Task<ushort> waiter = arena.AllocateAsync(4, TestContext.Current.CancellationToken).AsTask();
        time.Advance(TimeSpan.FromMilliseconds(250));
        arena.Free(all, 10);
        _ = await waiter;
        Assert.Equal(4.0, Assert.Single(session.Of("WaitBegan", "told waits"))[1]);
        Assert.Equal(250.0, Assert.Single(session.Of("WaitEnded", "told waits"))[1]);
    }

    /// <summary>One in a hundred, of arenas that were there before and of such as come later; and none when nobody asks any more.</summary>
    [Fact]
    public async Task Allocations_are_sampled_while_a_session_asks_for_them()
    {
        using Arena<ulong> before = new("sampled before", 0, 1 << 20, 1);
        using (Session session = new(Allocations))
        {
            await Eventually.HoldsAsync(() => Sees(session, before, "sampled before"));
            using Arena<ulong> later = new("sampled later", 0, 1 << 20, 1, new ArenaOptions<ulong> { QuantumCacheMax = 4 });
            Assert.True(Sees(session, later, "sampled later"));
            before.Validate();
            int seen = session.Of("AllocationSampled", "sampled before").Count;
            for (int i = 0; i < 1_000; i++)
            {
                _ = before.Allocate(1);
            }

            Assert.InRange(session.Of("AllocationSampled", "sampled before").Count - seen, 9, 11);
        }

        await Eventually.HoldsAsync(() =>
        {
            before.Validate();
            using Session other = new(Allocations << 10);
            return !Sees(other, before, "sampled before");
        });
    }

    private static bool Sees(Session session, Arena<ulong> arena, string name)
    {
        for (int i = 0; i < 2_000; i++)
        {
            arena.Free(arena.Allocate(20), 20);
        }

        return session.Of("AllocationSampled", name).Count > 0;
    }

    [Fact]
    public async Task A_rundown_describes_all_arenas_as_a_tree()
    {
        using Arena<ulong> below = new("described below", 0, 1 << 20, 4_096, new ArenaOptions<ulong> { Policy = FitPolicy.BestFit });
        using Arena<ulong> above = new("described", 16, new ArenaOptions<ulong> { Source = below });
        _ = above.Allocate(100);
        using Session session = new(Arenas, "first");
        await Eventually.HoldsAsync(() => session.HasEnded("first"));
        object?[] described = Assert.Single(session.Of("ArenaDescribed", "described", name: 1));
        Assert.Equal(["first", "described", 1, "UInt64", "InstantFit", "described below", 1, 16.0, 4_096.0, 112.0, 3_984.0, 3_984.0, 112.0, 1L, 0L, 0],
            described);
        Assert.Equal("BestFit", Assert.Single(session.Of("ArenaDescribed", "described below", name: 1))[4]);
        Assert.Empty(session.Of("SegmentsDescribed", "described", name: 1));
    }

    /// <summary>The bytes of a rundown, read back, are the segments. A request that was answered is not answered again.</summary>
    [Fact]
    public async Task A_rundown_has_the_segments_of_the_arena_that_is_named()
    {
        SeededRandom random = new(18);
        using Arena<UInt128> wide = new("run down", UInt128.One << 80);
        wide.AddSpan(UInt128.One << 100, 3_000 * (UInt128.One << 80));
        wide.AddSpan(UInt128.One << 110, 500 * (UInt128.One << 80));
        List<UInt128> starts = [];
        while (wide.TryAllocate(1 + (UInt128)random.Below(3) * (UInt128.One << 80), out UInt128 start))
        {
            starts.Add(start);
        }

        foreach (UInt128 start in starts.Where(_ => random.Below(3) == 0))
        {
            wide.Free(start);
        }

        using Session session = new(Segments, "second", "run down");
        await Eventually.HoldsAsync(() => session.HasEnded("second"));
        List<Segment<UInt128>> decoded = [];
        foreach (object?[] batch in session.Of("SegmentsDescribed", "run down", name: 1).OrderBy(static payload => (int)payload[3]!))
        {
            Decode((byte[])batch[4]!, UInt128.One << 80, decoded);
        }

        Assert.Equal(wide.GetSegments(), decoded);
        Assert.DoesNotContain(session.Events, static payload => payload.Name == "SegmentsDescribed" && (string)payload.Payload[1]! != "run down");
        int events = session.Events.Count;
        session.Ask(Segments, "second", "run down");
        session.Ask(Segments, "third", "no such arena");
        await Eventually.HoldsAsync(() => session.HasEnded("third"));
        Assert.DoesNotContain(
            session.Events.Skip(events), static each => each.Name == "SegmentsDescribed" && (string?)each.Payload[0] == "second");
    }

    private static void Decode(ReadOnlySpan<byte> bytes, UInt128 quantum, List<Segment<UInt128>> segments)
    {
        UInt128 next = 0;
        while (!bytes.IsEmpty)
        {
            byte kind = bytes[0];
            bytes = bytes[1..];
            if (kind is (byte)SegmentKind.Span or 0x80)
            {
                next = BinaryPrimitives.ReadUInt128LittleEndian(bytes);
                if (kind == (byte)SegmentKind.Span)
                {
                    segments.Add(new(next, BinaryPrimitives.ReadUInt128LittleEndian(bytes[16..]), SegmentKind.Span));
                }

                bytes = bytes[32..];
                continue;
            }

            UInt128 size = 0;
            for (int shift = 0; ; shift += 7)
            {
                byte part = bytes[0];
                bytes = bytes[1..];
                size |= (UInt128)(part & 0x7F) << shift;
                if (part < 0x80)
                {
                    break;
                }
            }

            segments.Add(new(next, size * quantum, (SegmentKind)kind));
            next += size * quantum;
        }
    }

    /// <summary>A listener in the process.</summary>
    private sealed class Session : EventListener
    {
        private readonly ConcurrentQueue<(string Name, object?[] Payload)> _events = new();
        private readonly EventSource _source;

        public Session(int keywords, string? request = null, string? arena = null)
        {
            using (new Arena<byte>("brings the source", 1))
            {
                _source = EventSource.GetSources().Single(static source => source.Name == "Vmem");
            }

            Ask(keywords, request, arena);
        }

        public IReadOnlyList<(string Name, object?[] Payload)> Events => [.. _events];

        public void Ask(int keywords, string? request, string? arena)
        {
            Dictionary<string, string?> arguments = new() { ["Request"] = request, ["Arena"] = arena };
            EnableEvents(_source, EventLevel.Verbose, (EventKeywords)keywords, request is null ? null : arguments);
        }

        public List<object?[]> Of(string kind, string arena, int name = 0) =>
            [.. _events.Where(each => each.Name == kind && (string?)each.Payload[name] == arena).Select(static each => each.Payload)];

        public bool HasEnded(string request) => _events.Any(each => each.Name == "RundownEnded" && (string?)each.Payload[0] == request);

        protected override void OnEventWritten(EventWrittenEventArgs eventData) =>
            _events?.Enqueue((eventData.EventName!, [.. eventData.Payload!]));
    }
}
