using Vmem.Diagnostics;
using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Auditing;

public class WrongFreeStormTests
{
    /// <summary>A million with VMEM_STORM=1000000; by default a hundredth of it, as each is an exception and two stacks.</summary>
    private static readonly int s_frees = int.TryParse(Environment.GetEnvironmentVariable("VMEM_STORM"), out int frees) ? frees : 10_000;

    /// <summary>Whatever is wrong with a free, it is refused and changes nothing.</summary>
    [Fact]
    public void Wrong_frees_without_number_are_all_refused_and_change_nothing()
    {
        using Arena<uint> arena =
            new("storm", 1_000, 4_000, 1, new ArenaOptions<uint> { Audit = true, Policy = FitPolicy.FirstFit, QuantumCacheMax = 8 });
        SeededRandom random = new(Night.FirstSeed + 17);
        Dictionary<uint, (uint Size, bool Constrained)> live = [];
        for (int i = 0; i < 300; i++)
        {
            uint size = 1 + (uint)random.Below(16);
            bool constrained = random.Below(2) == 0;
            live.Add(constrained ? arena.AllocateConstrained(size, new() { Align = 4 }) : arena.Allocate(size), (size, constrained));
        }

        foreach (uint start in live.Keys.Where((_, index) => index % 3 == 0).ToArray())
        {
            (uint size, bool constrained) = live[start];
            Free(arena, start, size, constrained);
            _ = live.Remove(start);
        }

        string before = ArenaPicture.Of(arena);
        int refused = 0;
        for (int i = 0; i < s_frees; i++)
        {
            uint start = 900 + (uint)random.Below(4_200);
            uint size = 1 + (uint)random.Below(18);
            bool constrained = random.Below(2) == 0;
            if (live.TryGetValue(start, out (uint Size, bool Constrained) owner) && owner == (size, constrained))
            {
                constrained = !constrained;
            }

            try
            {
                Free(arena, start, size, constrained);
            }
            catch (InvalidFreeException)
            {
                refused++;
            }
        }

        Assert.Equal(s_frees, refused);
        Assert.Equal(before, ArenaPicture.Of(arena));
        arena.Validate();
        foreach ((uint start, (uint size, bool constrained)) in live)
        {
            Free(arena, start, size, constrained);
        }

        Assert.Equal("{1000+4000: (1000+4000)}", ArenaPicture.Segments(arena));
    }

    private static void Free(Arena<uint> arena, uint start, uint size, bool constrained)
    {
        if (constrained)
        {
            arena.FreeConstrained(start, size);
        }
        else
        {
            arena.Free(start, size);
        }
    }
}
