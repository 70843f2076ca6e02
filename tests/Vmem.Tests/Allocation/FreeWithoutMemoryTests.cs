using Vmem.Checks;
using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Allocation;

/// <summary>Whatever gives something back needs no memory: it succeeds while no table can grow.</summary>
public class FreeWithoutMemoryTests
{
    public static TheoryData<FitPolicy, uint, bool> Cases
    {
        get
        {
            TheoryData<FitPolicy, uint, bool> cases = [];
            foreach (FitPolicy policy in Enum.GetValues<FitPolicy>())
            {
                foreach (bool isImporting in new[] { false, true })
                {
                    cases.Add(policy, 0, isImporting);
                    if (policy is not (FitPolicy.NextFit or > FitPolicy.LastFit))
                    {
                        cases.Add(policy, 8, isImporting);
                    }
                }
            }

            return cases;
        }
    }

    /// <summary>After each number of allocations, so that at each growth of a table the next frees find it full.</summary>
    [Theory]
    [MemberData(nameof(Cases))]
    public void Everything_can_be_freed(FitPolicy policy, uint cacheMax, bool isImporting)
    {
        for (int count = 1; count < 300; count += count < 80 ? 1 : 7)
        {
            using Arena<uint> parent = new("parent", 0, 1 << 20, 16);
            ArenaOptions<uint> options =
                new() { Policy = policy, QuantumCacheMax = cacheMax, Source = isImporting ? parent : null, MinImport = 64 };
            using Arena<uint> arena = isImporting ? new("child", 1, options) : new("arena", 0, 1 << 16, 1, options);
            SeededRandom random = new((ulong)count);
            List<RangeHandle<uint>> handles = [];
            List<(uint Start, uint Size)> ranges = [];
            for (int i = 0; i < count; i++)
            {
                uint size = 1 + (uint)random.Below(12);
                switch (random.Below(3))
                {
                    case 0 when arena.TryAllocateHandle(size, out RangeHandle<uint> handle):
                        handles.Add(handle);
                        break;
                    case 1:
                        ranges.Add((arena.AllocateConstrained(size + 8, new() { Align = 4 }), size + 8));
                        break;
                    default:
                        ranges.Add((arena.Allocate(size), size));
                        break;
                }
            }

            using (GrowthFault.Inject(static () => true))
            {
                FreeAll(arena, handles, ranges, random);
                arena.Reap();
            }

            arena.Validate();
            Assert.Equal(0u, arena.GetStatistics().InUse);
            arena.Reap();
            parent.Reap();
            string expected = isImporting ? "" : "{0+65536: (0+65536)}";
            Assert.Equal(expected, ArenaPicture.Segments(arena));
            Assert.Equal(0u, parent.GetStatistics().InUse);
        }
    }

    /// <summary>What is shortened beside free space, or after a tag came back, needs no memory; what does is refused, and nothing
    /// changes.</summary>
    [Theory]
    [InlineData(0u)]
    [InlineData(16u)]
    public void Shortening_throws_nothing(uint cacheMax)
    {
        using Arena<uint> arena = new("arena", 0, 1 << 16, 1, new ArenaOptions<uint> { QuantumCacheMax = cacheMax });
        List<(uint Start, uint Size)> ranges = [];
        for (int i = 0; i < 500; i++)
        {
            ranges.Add((arena.Allocate(10), 10));
        }

        int refused = 0;
        using (GrowthFault.Inject(static () => true))
        {
            for (int i = 0; i < ranges.Count; i++)
            {
                (uint start, uint size) = ranges[i];
                ArenaStatistics<uint> before = arena.GetStatistics();
                if (arena.TryExtend(start, size, 7))
                {
                    ranges[i] = (start, 7);
                    Assert.Equal(before.InUse - 3, arena.GetStatistics().InUse);
                }
                else
                {
                    refused++;
                    Assert.Equal(before.InUse, arena.GetStatistics().InUse);
                }
            }

            foreach ((uint start, uint size) in ranges)
            {
                arena.Free(start, size);
            }
        }

        Assert.InRange(refused, 1, ranges.Count - 1);
        arena.Reap();
        arena.Validate();
        Assert.Equal("{0+65536: (0+65536)}", ArenaPicture.Segments(arena));
    }

    private static void FreeAll(Arena<uint> arena, List<RangeHandle<uint>> handles, List<(uint Start, uint Size)> ranges,
        SeededRandom random)
    {
        foreach (RangeHandle<uint> handle in handles)
        {
            if (random.Below(2) == 0)
            {
                arena.Free(handle);
            }
            else
            {
                arena.Free(handle.Start, handle.Size);
            }
        }

        foreach (IGrouping<uint, (uint Start, uint Size)> group in ranges.GroupBy(range => range.Size))
        {
            uint[] starts = [.. group.Select(range => range.Start)];
            if (random.Below(2) == 0)
            {
                arena.FreeMany(starts, group.Key);
            }
            else
            {
                Array.ForEach(starts, start => arena.Free(start, group.Key));
            }
        }
    }
}
