using Vmem.Caching;
using Xunit;

namespace Vmem.Tests.Caching;

public class MagazineSizeTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(2, 3)]
    [InlineData(15, 15)]
    [InlineData(16, 31)]
    [InlineData(143, 143)]
    public void It_begins_at_the_smallest_magazine_that_is_large_enough(int least, int rounds) =>
        Assert.Equal(rounds, new MagazineSize(least).Rounds);

    [Theory]
    [InlineData(3, 15)]
    [InlineData(4, 31)]
    public void It_grows_after_more_than_three_contentions_in_an_interval(int contentions, int rounds)
    {
        MagazineSize size = new(15);
        EndInterval(ref size, contentions);
        Assert.Equal(rounds, size.Rounds);
    }

    [Fact]
    public void Contentions_of_two_intervals_do_not_add_up()
    {
        MagazineSize size = new(15);
        EndInterval(ref size, 3);
        EndInterval(ref size, 3);
        Assert.Equal(15, size.Rounds);
    }

    [Fact]
    public void It_grows_up_to_the_most_and_no_further()
    {
        MagazineSize size = new(1);
        List<int> seen = [size.Rounds];
        for (int i = 0; i < 20; i++)
        {
            EndInterval(ref size, 4);
            seen.Add(size.Rounds);
        }

        Assert.Equal([1, 3, 7, 15, 31, 47, 63, 95, 143], seen.Distinct());
        MagazineSize limited = new(7, 16);
        for (int i = 0; i < 20; i++)
        {
            EndInterval(ref limited, 4);
        }

        Assert.Equal(31, limited.Rounds);
    }

    [Fact]
    public void Of_many_contentions_every_64_are_a_step_at_once()
    {
        MagazineSize size = new(15);
        int[] rounds = new int[200];
        for (int i = 0; i < rounds.Length; i++)
        {
            size.NoteContention();
            rounds[i] = size.Rounds;
        }

        Assert.Equal([15, 31, 47, 63], rounds.Distinct());
        Assert.Equal(63, rounds.Count(now => now == 15));
    }

    [Fact]
    public void It_shrinks_after_four_quiet_intervals_down_to_where_it_began()
    {
        MagazineSize size = new(15);
        EndInterval(ref size, 4);
        EndInterval(ref size, 4);
        Assert.Equal(47, size.Rounds);
        int[] rounds = new int[12];
        for (int i = 0; i < rounds.Length; i++)
        {
            EndInterval(ref size, 0);
            rounds[i] = size.Rounds;
        }

        Assert.Equal([47, 47, 47, 31, 31, 31, 31, 15, 15, 15, 15, 15], rounds);
    }

    [Fact]
    public void One_contention_begins_the_quiet_anew()
    {
        MagazineSize size = new(15);
        EndInterval(ref size, 4);
        foreach (int contentions in new[] { 0, 0, 0, 1, 0, 0, 0 })
        {
            EndInterval(ref size, contentions);
            Assert.Equal(31, size.Rounds);
        }
    }

    private static void EndInterval(ref MagazineSize size, int contentions)
    {
        for (int i = 0; i < contentions; i++)
        {
            size.NoteContention();
        }

        size.Tick();
    }
}
