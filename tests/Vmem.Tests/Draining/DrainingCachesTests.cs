using Vmem.Checks;
using Vmem.Testing.Driving;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Draining;

/// <summary>Quantum caches keep nothing of a span that drains, and take nothing of it in.</summary>
public class DrainingCachesTests
{
    private static readonly ArenaOptions<uint> s_cached = new() { QuantumCacheMax = 8 };

    [Fact]
    public void What_lies_in_magazines_and_slabs_is_recalled()
    {
        using Arena<uint> arena = new("cached", 0, 64, 1, s_cached);
        arena.AddSpan(1024, 1024);
        uint[] starts = [.. Enumerable.Range(0, 330).Select(i => arena.Allocate((uint)(1 + (i % 5))))];
        for (int i = 0; i < starts.Length; i += 2)
        {
            arena.Free(starts[i], (uint)(1 + (i % 5)));
        }

        Assert.True(arena.TryDrainSpan(1024));
        arena.Validate();
        Assert.DoesNotContain(arena.GetSegments(), segment => segment.Kind == SegmentKind.Cached && segment.Start >= 1024);
        while (arena.TryAllocate(1, out uint start))
        {
            Assert.True(start < 1024);
        }

        for (int i = 1; i < starts.Length; i += 2)
        {
            arena.Free(starts[i], (uint)(1 + (i % 5)));
        }

        arena.Validate();
        Assert.False(arena.Contains(1024));
    }

    /// <summary>A free of a cached size goes where its span says; others go into magazines as ever, also when handles come and
    /// go.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Frees_beside_it_are_cached_and_those_in_it_are_not(bool withHandles)
    {
        using Arena<uint> arena = new("cached", 0, 1024, 1, s_cached);
        arena.AddSpan(4096, 1024);
        uint[] starts = [.. Enumerable.Range(0, 1_500).Select(_ => arena.Allocate(1))];
        RangeHandle<uint> handle = default;
        Assert.True(!withHandles || arena.TryAllocateHandle(1, out handle));
        Assert.True(arena.TryDrainSpan(4096));
        foreach (uint start in starts.Where(start => start < 1024).Take(200))
        {
            arena.Free(start, 1);
        }

        Assert.Equal(200u, arena.GetStatistics().Cached);
        if (withHandles)
        {
            arena.Free(handle);
        }

        uint[] inside = [.. starts.Where(start => start >= 4096)];
        Array.ForEach(inside, start => arena.Free(start, 1));
        arena.Validate();
        Assert.False(arena.Contains(4096));
        Assert.Equal(0, arena.GetStatistics().DrainingSpans);

        // With no span left that drains, what is freed in a new one there is cached again.
        arena.AddSpan(4096, 1024);
        Assert.True(arena.TryAllocateAt(4096, 1));
        uint before = arena.GetStatistics().Cached;
        arena.Free(4096, 1);
        Assert.Equal(before + 1, arena.GetStatistics().Cached);
        arena.Validate();
    }

    [Fact]
    public void A_recorded_arena_drains_too()
    {
        using Arena<uint> arena = new("cached", 0, 256, 1, s_cached);
        using MemoryStream stream = new();
        using (arena.Record(stream))
        {
            arena.AddSpan(1024, 256);
            uint[] starts = [.. Enumerable.Range(0, 400).Select(_ => arena.Allocate(1))];
            Assert.True(arena.TryDrainSpan(1024));
            Array.ForEach(starts, start => arena.Free(start, 1));
            Assert.False(arena.Contains(1024));
            arena.Validate();
        }

        arena.Validate();
        Assert.Contains("f ", System.Text.Encoding.UTF8.GetString(stream.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public void Without_memory_nothing_has_changed()
    {
        int changed = 0;
        for (int after = 0; after < 40; after++)
        {
            using Arena<uint> arena = new("cached", 0, 256, 1, s_cached);
            arena.AddSpan(1024, 256);
            uint[] starts = [.. Enumerable.Range(0, 400).Select(_ => arena.Allocate(1))];
            int left = after;
            try
            {
                using (GrowthFault.Inject(() => left-- == 0))
                {
                    Assert.True(arena.TryDrainSpan(1024));
                }
            }
            catch (OutOfMemoryException)
            {
                changed++;
                Assert.Equal((0u, 0L), (arena.GetStatistics().Draining, arena.GetStatistics().DrainingSpans));
            }

            arena.Validate();
            Assert.True(arena.TryDrainSpan(1024));
            arena.Validate();
            Array.ForEach(starts, start => arena.Free(start, 1));
            arena.Validate();
            Assert.False(arena.Contains(1024));
        }

        Assert.True(changed > 2, $"{changed} faults were met.");
    }

    /// <summary>Threads allocate and free all the while. What begins after the call has returned gets nothing of the span, and with the
    /// last of them it is gone.</summary>
    [Theory]
    [InlineData(0u)]
    [InlineData(16u)]
    public void Threads_that_work_meanwhile_get_nothing_of_it(uint cacheMax)
    {
        ScriptedSource<uint> source = TestSources.Ascending(1_024u, 1u << 20);
        ArenaOptions<uint> options = new() { QuantumCacheMax = cacheMax, Source = source, MinImport = 1_024 };
        using Arena<uint> arena = new("busy", 0, 2_048, 1, options);
        for (int round = 0; round < 60; round++)
        {
            arena.AddSpan(8_192, 1_024);
            int drained = 0;
            using Barrier barrier = new(4);
            Exception? failure = null;
            Thread[] workers = [.. Enumerable.Range(0, 3).Select(worker => new Thread(() =>
            {
                try
                {
                    Work(arena, (round * 7) + worker, barrier, ref drained);
                }
                catch (Exception e)
                {
                    failure = e;
                }
            }))];
            Array.ForEach(workers, static thread => thread.Start());
            barrier.SignalAndWait();
            Assert.True(arena.TryDrainSpan(8_192));
            if (round % 3 == 0 && arena.StopDraining(8_192))
            {
                Assert.True(arena.TryDrainSpan(8_192));
            }

            Volatile.Write(ref drained, 1);
            Array.ForEach(workers, static thread => thread.Join());
            Assert.Null(failure);
            arena.Validate();
            Assert.False(arena.Contains(8_192), ArenaPicture.Segments(arena));
        }

        arena.Reap();
        Assert.Equal(0, source.WrongReleases);
    }

    private static void Work(Arena<uint> arena, int seed, Barrier barrier, ref int drained)
    {
        Random random = new(seed);
        Queue<(uint Start, uint Size)> mine = new();
        barrier.SignalAndWait();
        for (int i = 0; i < 3_000; i++)
        {
            bool isAfter = Volatile.Read(ref drained) != 0;
            uint size = 1 + (uint)random.Next(20);
            uint start = arena.Allocate(size);
            Assert.False(isAfter && start - 8_192 < 1_024, $"{start} lies in the span that drains.");
            mine.Enqueue((start, size));
            if (mine.Count > 40)
            {
                (start, size) = mine.Dequeue();
                arena.Free(start, size);
            }
        }

        foreach ((uint start, uint size) in mine)
        {
            arena.Free(start, size);
        }
    }
}
