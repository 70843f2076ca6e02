using Vmem.Checks;
using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Claiming;

/// <summary>Ranges are cut, freed in part and moved until every table has grown, and each growth fails first: then nothing has changed, and
/// the same call succeeds.</summary>
public class PartsFaultTests
{
    private const uint Many = 3_000;

    private int _faults;

    public static TheoryData<bool, bool> Kept => new() { { false, false }, { true, false }, { false, true }, { true, true } };

    private static Arena<uint> Make(bool tagged, bool audit, uint size, TimeSpan delay = default) =>
        new("parts", 0, size, 1, new ArenaOptions<uint> { Tagged = tagged, Audit = audit, ReuseDelay = delay });

    /// <summary>Does something of which the first growth fails, and the second, and so on, until none is left.</summary>
    private void Try(Arena<uint> arena, Action call)
    {
        for (int failing = 0; ; failing++)
        {
            int growths = 0;
            try
            {
                using (GrowthFault.Inject(() =>
                {
                    return growths++ == failing;
                }))
                {
                    call();
                    return;
                }
            }
            catch (OutOfMemoryException)
            {
                _faults++;
            }
        }
    }

    [Theory]
    [MemberData(nameof(Kept))]
    public void A_range_that_could_not_be_split_is_whole(bool tagged, bool audit)
    {
        using Arena<uint> arena = Make(tagged, audit, Many);
        _ = arena.AllocateConstrained(Many, new() { Tag = tagged ? 7u : 0 });
        for (uint start = 0; start < Many - 1; start++)
        {
            Try(arena, () => arena.Split(start, Many - start, start + 1));
            if (start % 100 == 0)
            {
                arena.Validate();
            }
        }

        Assert.True(_faults > 3, $"Only {_faults} growths failed.");
        Assert.Equal((Many, Many), ((uint)arena.GetStatistics().LiveSegments, arena.GetStatistics().InUse));
        Assert.All(arena.GetSegments().Where(static segment => segment.Kind == SegmentKind.Allocated),
            segment => Assert.Equal((1u, tagged ? 7u : 0), (segment.Size, (uint)segment.Tag)));
        arena.Validate();
    }

    [Theory]
    [MemberData(nameof(Kept))]
    public void A_range_of_which_no_part_could_be_freed_is_whole(bool tagged, bool audit)
    {
        using Arena<uint> arena = Make(tagged, audit, 2 * Many);
        _ = arena.AllocateConstrained(2 * Many, new() { Tag = tagged ? 7u : 0 });
        for (uint start = 0; start < (2 * Many) - 2; start += 2)
        {
            Try(arena, () => arena.FreePart(start, (2 * Many) - start, start + 1, 1));
            if (start % 200 == 0)
            {
                arena.Validate();
            }
        }

        Assert.True(_faults > 3, $"Only {_faults} growths failed.");
        Assert.Equal((Many, Many - 1), ((uint)arena.GetStatistics().LiveSegments, arena.GetStatistics().Free));
        Assert.All(arena.GetSegments().Where(static segment => segment.Kind == SegmentKind.Allocated),
            segment => Assert.Equal(tagged ? 7u : 0, (uint)segment.Tag));
        arena.Validate();
    }

    /// <summary>What is freed of it rests.</summary>
    [Theory]
    [MemberData(nameof(Kept))]
    public void A_range_of_which_no_part_could_rest_is_whole(bool tagged, bool audit)
    {
        using Arena<uint> arena = Make(tagged, audit, 2 * Many, TimeSpan.FromDays(1));
        _ = arena.AllocateConstrained(2 * Many, new() { Tag = tagged ? 7u : 0 });
        for (uint start = 0; start < (2 * Many) - 2; start += 2)
        {
            Try(arena, () => arena.FreePart(start, (2 * Many) - start, start + 1, 1));
        }

        Assert.True(_faults > 3, $"Only {_faults} growths failed.");
        Assert.Equal((Many, Many - 1), ((uint)arena.GetStatistics().LiveSegments, arena.GetStatistics().Resting));
        arena.Validate();
    }

    /// <summary>Each second range is moved into the middle of the gap behind it, so that there are more free segments each time.</summary>
    [Theory]
    [MemberData(nameof(Kept))]
    public void A_range_that_could_not_move_lies_where_it_lay(bool tagged, bool audit)
    {
        using Arena<uint> arena = Make(tagged, audit, 4 * Many);
        for (uint start = 0; start < 4 * Many; start += 4)
        {
            Try(arena, () => Assert.Equal(start, arena.AllocateConstrained(1,
                new() { Min = start, Max = start + 1, Tag = tagged ? start + 1 : 0 })));
        }

        for (uint start = 0; start < 4 * Many; start += 4)
        {
            Try(arena, () => Assert.True(arena.TryMove(start, 1, start + 2)));
            if (start % 400 == 0)
            {
                arena.Validate();
            }
        }

        Assert.True(_faults > 3, $"Only {_faults} growths failed.");
        Assert.All(arena.GetSegments().Where(static segment => segment.Kind == SegmentKind.Allocated),
            segment => Assert.Equal((2u, tagged ? segment.Start - 1 : 0), (segment.Start % 4, (uint)segment.Tag)));
        arena.Validate();
    }
}
