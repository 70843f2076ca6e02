using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Oracles;

/// <summary>Acceptance 5: the tests of tinyvmem (seeds/002).</summary>
public class TinyVmemTests
{
    [Fact]
    public void The_first_two_pages_are_handed_out_in_order()
    {
        using Arena<ulong> arena = new("tests", 0x1000, 0x100000, 0x1000);
        Assert.Equal(0x1000ul, arena.Allocate(0x1000));
        Assert.Equal(0x2000ul, arena.Allocate(0x1000));
    }

    [Fact]
    public void Four_allocations_freed_in_the_order_2_1_4_3_coalesce_to_one_segment()
    {
        foreach (FitPolicy policy in Enum.GetValues<FitPolicy>())
        {
            using Arena<ulong> arena = new("tests", 0x1000, 0x100000, 0x1000, new ArenaOptions<ulong> { Policy = policy });
            ulong[] starts = [arena.Allocate(0x1000), arena.Allocate(0x1000), arena.Allocate(0x1000), arena.Allocate(0x1000)];
            foreach (int index in (int[])[1, 0, 3, 2])
            {
                arena.Free(starts[index], 0x1000);
                arena.Validate();
            }

            Assert.Equal("{4096+1048576: (4096+1048576)}", ArenaPicture.Segments(arena));
        }
    }
}
