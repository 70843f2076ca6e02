using System.Runtime.InteropServices;
using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>An arena that was large and is small keeps little memory after a <c>Reap</c>, and all in it is as it was.</summary>
public sealed class TrimTests
{
    private const int SegmentsByDay = 100_000;

    private static readonly int s_segments = Math.Clamp(Night.Scaled(SegmentsByDay), SegmentsByDay / 2, SegmentsByDay);

    public static TheoryData<int, uint, FitPolicy> Cases => new()
    {
        { 0, 0, FitPolicy.InstantFit },
        { 1, 0, FitPolicy.InstantFit },
        { 1_000, 0, FitPolicy.InstantFit },
        { 1_000, 0, FitPolicy.FirstFit },
        { 1_000, 0, FitPolicy.BestFit },
        { 1_000, 64, FitPolicy.InstantFit },
        { 4_000, 0, FitPolicy.NextFit },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    [Trait("Once", "Release")]
    public void Memory_that_is_not_needed_goes_back(int survivors, uint cacheMax, FitPolicy policy)
    {
        using Arena<uint> arena = new("trimmed", 0, 1 << 24, 1, new ArenaOptions<uint> { QuantumCacheMax = cacheMax, Policy = policy });
        SeededRandom random = new(11);
        var ranges = new (uint Start, uint Size, RangeHandle<uint> Handle)[s_segments];
        for (int i = 0; i < s_segments; i++)
        {
            uint size = 1 + (uint)random.Below(100);
            ranges[i] = i % 3 == 0 && arena.TryAllocateHandle(size, out RangeHandle<uint> handle)
                ? (handle.Start, size, handle) : (arena.Allocate(size), size, default);
        }

        Shuffle(ranges, random);
        long before = arena.GetStatistics().BookkeepingBytes;
        foreach ((uint Start, uint Size, RangeHandle<uint> Handle) range in ranges.AsSpan(survivors))
        {
            Free(arena, range);
        }

        arena.Reap();
        arena.Validate();
        long after = arena.GetStatistics().BookkeepingBytes;

        // A segment takes 40 bytes and a hole behind it 24; tags and table may be twice what they need, rounded up to a power of two.
        // Records of slabs, rows of divided lists and indexes stay.
        long small = 80_000 + (survivors * 64 * 4);
        Assert.True(after < small || cacheMax > 0 || policy != FitPolicy.InstantFit, $"{before} bytes, then {after}");
        Assert.True(after < before / 2, $"{before} bytes, then {after}");
        Assert.Equal(survivors, arena.GetStatistics().LiveSegments);
        foreach ((uint Start, uint Size, RangeHandle<uint> Handle) range in ranges.AsSpan(survivors))
        {
            if (range.Handle != default)
            {
                Assert.Throws<InvalidFreeException>(() => arena.Free(range.Handle));
            }
        }

        for (int i = 0; i < 2 * s_segments; i++)    // it grows again
        {
            Assert.True(arena.TryAllocate(1, out _));
        }

        foreach ((uint Start, uint Size, RangeHandle<uint> Handle) range in ranges.AsSpan(0, survivors))
        {
            if (range.Handle != default)
            {
                Assert.True(arena.TryExtend(range.Handle, range.Size, out _));
            }

            Free(arena, range);
        }

        arena.Validate();
        Assert.Equal(2 * s_segments, arena.GetStatistics().LiveSegments);
    }

    /// <summary>Others come between the steps, take what was looked at, and grow beyond what was to be kept.</summary>
    [Fact]
    public void Others_may_work_meanwhile()
    {
        using Arena<uint> arena = new("trimmed", 0, 1 << 24, 1);
        Thread[] threads = new Thread[3];
        Exception? failure = null;
        for (int thread = 0; thread < threads.Length; thread++)
        {
            SeededRandom random = new((ulong)thread);
            threads[thread] = new Thread(() =>
            {
                try
                {
                    Swell(arena, random);
                }
                catch (Exception e)
                {
                    failure = e;
                }
            });
            threads[thread].Start();
        }

        for (int i = 0; i < 200; i++)
        {
            arena.Reap();
            _ = arena.GetSegments().Count();
        }

        Array.ForEach(threads, thread => thread.Join());
        Assert.Null(failure);
        arena.Validate();
        arena.Reap();
        arena.Validate();
        Assert.Equal($"{{0+{1 << 24}: (0+{1 << 24})}}", ArenaPicture.Segments(arena));
        Assert.True(arena.GetStatistics().BookkeepingBytes < 80_000);
    }

    private static void Swell(Arena<uint> arena, SeededRandom random)
    {
        List<RangeHandle<uint>> handles = [];
        List<uint> starts = [];
        for (int round = 0; round < 6; round++)
        {
            for (int i = 0; i < 10_000; i++)
            {
                if (random.Below(2) == 0)
                {
                    Assert.True(arena.TryAllocateHandle(1 + (uint)random.Below(30), out RangeHandle<uint> handle));
                    handles.Add(handle);
                }
                else
                {
                    starts.Add(arena.Allocate(7));
                }
            }

            Shuffle(CollectionsMarshal.AsSpan(handles), random);
            Shuffle(CollectionsMarshal.AsSpan(starts), random);
            int keep = round == 5 ? 0 : 50;
            handles.Skip(keep).ToList().ForEach(handle => arena.Free(handle));
            starts.Skip(keep).ToList().ForEach(start => arena.Free(start, 7));
            handles.RemoveRange(keep, handles.Count - keep);
            starts.RemoveRange(keep, starts.Count - keep);
        }
    }

    private static void Shuffle<TItem>(Span<TItem> items, SeededRandom random)
    {
        for (int i = items.Length - 1; i > 0; i--)
        {
            int other = random.Below(i + 1);
            (items[i], items[other]) = (items[other], items[i]);
        }
    }

    private static void Free(Arena<uint> arena, (uint Start, uint Size, RangeHandle<uint> Handle) range)
    {
        if (range.Handle != default)
        {
            arena.Free(range.Handle);
        }
        else
        {
            arena.Free(range.Start, range.Size);
        }
    }
}
