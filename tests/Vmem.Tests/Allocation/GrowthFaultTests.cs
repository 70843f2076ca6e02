using Vmem.Checks;
using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Allocation;

/// <summary>Memory runs out wherever a table grows, again and again: the operation says so and has changed nothing, and the next one
/// works.</summary>
public class GrowthFaultTests
{
    private const int Steps = 1_500;

    public static TheoryData<FitPolicy, uint> Cases
    {
        get
        {
            TheoryData<FitPolicy, uint> cases = [];
            foreach (FitPolicy policy in Enum.GetValues<FitPolicy>())
            {
                cases.Add(policy, 0);
                if (policy is not (FitPolicy.NextFit or > FitPolicy.LastFit))
                {
                    cases.Add(policy, 8);
                }
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_growth_that_fails_loses_nothing(FitPolicy policy, uint cacheMax)
    {
        int faults = 0;
        for (ulong seed = 0; seed < 30; seed++)
        {
            faults += Run(seed, policy, cacheMax, source: null);
            using Arena<uint> parent = new("parent", 0, 1 << 20, 16);
            faults += Run(seed, policy, cacheMax, parent);
            parent.Reap();
            parent.Validate();
            Assert.Equal(0u, parent.GetStatistics().InUse);
        }

        Assert.True(faults > 300, $"Only {faults} growths failed.");
    }

    private static int Run(ulong seed, FitPolicy policy, uint cacheMax, IArenaSource<uint>? source)
    {
        SeededRandom random = new(seed);
        int faults = 0;
        ArenaOptions<uint> options = new() { Policy = policy, QuantumCacheMax = cacheMax, Source = source, MinImport = 64 };
        using Arena<uint> arena = source is null ? new("faulty", 0, 1 << 16, 1, options) : new("faulty", 1, options);
        List<(uint Start, uint Size)> held = [];
        using (GrowthFault.Inject(() => random.Below(3) != 0))
        {
            for (int i = 0; i < Steps; i++)
            {
                ArenaStatistics<uint> before = arena.GetStatistics();
                try
                {
                    Step(arena, held, random);
                }
                catch (OutOfMemoryException)
                {
                    faults++;
                    ArenaStatistics<uint> after = arena.GetStatistics();
                    Assert.Equal(
                        (before.InUse, before.LiveSegments, before.Allocations),
                        (after.InUse, after.LiveSegments, after.Allocations));
                    arena.Validate();
                }
            }
        }

        Assert.Equal(held.Sum(range => range.Size), arena.GetStatistics().InUse);
        held.ForEach(range => arena.Free(range.Start, range.Size));
        arena.Reap();
        arena.Validate();
        string expected = source is null ? $"{{0+{1 << 16}: (0+{1 << 16})}}" : "";
        Assert.Equal(expected, ArenaPicture.Segments(arena));
        return faults;
    }

    private static void Step(Arena<uint> arena, List<(uint Start, uint Size)> held, SeededRandom random)
    {
        uint size = 1 + (uint)random.Below(16);
        switch (random.Below(8))
        {
            case < 4:
                held.Add((arena.Allocate(size), size));
                break;
            case 4:
                size += 8;                        // larger than any cache takes: it is freed the way it was allocated
                held.Add((arena.AllocateConstrained(size, new() { Align = 1u << random.Below(6) }), size));
                break;
            case 5 when held.Count > 0:
                int grown = random.Below(held.Count);
                (uint start, uint old) = held[grown];
                if (arena.TryExtend(start, old, old + 1))
                {
                    held[grown] = (start, old + 1);
                }

                break;
            case 6 when held.Count > 0:
                int freed = random.Below(held.Count);
                arena.Free(held[freed].Start, held[freed].Size);
                held.RemoveAt(freed);
                break;
            case 7 when random.Below(20) == 0:
                arena.Reap();
                break;
        }
    }
}
