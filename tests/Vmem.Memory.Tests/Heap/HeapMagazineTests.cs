using System.Runtime.CompilerServices;
using Vmem.Memory.Heap;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>One thread's stack of blocks, and what a claim does to it. The blocks are only numbers here.</summary>
public class HeapMagazineTests
{
#if !DEBUG
    [Fact]
    public void The_records_of_two_classes_share_a_cache_line() => Assert.Equal(32, Unsafe.SizeOf<HeapMagazine>());
#endif

    [Fact]
    public void What_is_filled_in_first_lies_on_top()
    {
        HeapMagazine magazine = Open(4);
        Assert.Equal(3, magazine.Fill([1, 2, 3]));
        Assert.Equal([1, 2, 3], PopAll(ref magazine));
    }

    [Fact]
    public void Filling_leaves_out_what_comes_last()
    {
        HeapMagazine magazine = Open(4);
        Assert.True(magazine.TryPush(9));
        Assert.Equal(3, magazine.Fill([1, 2, 3, 4, 5]));
        Assert.Equal(0, magazine.Fill([6]));
        Assert.Equal([1, 2, 3, 9], PopAll(ref magazine));
    }

    [Fact]
    public void A_full_one_spills_what_has_lain_longest()
    {
        HeapMagazine magazine = Open(4);
        Span<nuint> spilled = stackalloc nuint[2];
        for (nuint block = 1; block <= 4; block++)
        {
            Assert.Equal(0, magazine.Spill(spilled));
            Assert.True(magazine.TryPush(block));
        }

        Assert.False(magazine.TryPush(5));
        Assert.Equal(2, magazine.Spill(spilled));
        Assert.Equal([1, 2], spilled.ToArray());
        Assert.Equal([3, 4], magazine.Contents.ToArray());
        Assert.True(magazine.TryPush(5));
        Assert.Equal([5, 4, 3], PopAll(ref magazine));
    }

    [Fact]
    public void All_of_it_is_taken_by_the_batch()
    {
        HeapMagazine magazine = Open(5);
        _ = magazine.Fill([1, 2, 3, 4, 5]);
        Span<nuint> batch = stackalloc nuint[2];
        List<nuint> taken = [];
        for (int count; (count = magazine.TakeOldest(batch)) > 0;)
        {
            taken.AddRange(batch[..count]);
        }

        Assert.Equal([5, 4, 3, 2, 1], taken);
        Assert.Equal((0, 0), (magazine.Rounds, magazine.Taken));
    }

    [Fact]
    public void When_a_stretch_is_over_nothing_is_taken_before_another_begins()
    {
        HeapMagazine magazine = new();
        Assert.True(magazine.TryOpen(4, stretch: 2));
        Assert.True(magazine.TryPush(1) && magazine.TryPop(out _) && magazine.TryPush(2) && !magazine.IsStretchOver);
        Assert.True(magazine.TryPop(out _) && magazine.IsStretchOver);
        Assert.True(magazine.TryPush(3) && magazine.TryPush(4));
        Assert.False(magazine.TryPop(out _));
        Assert.Equal([3, 4], magazine.Contents.ToArray());
        Assert.True(magazine.TryPopAlways(out nuint block) && block == 4);
        Assert.True(magazine.TryBeginStretch(1, out long taken) && taken == 3);
        Assert.True(magazine.TryPop(out block) && block == 3 && magazine.IsStretchOver);
        Assert.Equal((0, 1), (magazine.Rounds, magazine.Taken));
        Assert.True(magazine.TryBeginStretch(0, out _) && magazine.IsStretchOver);
        Assert.True(magazine.TryBeginStretch(HeapMagazine.LongestStretch, out taken) && taken == 0 && !magazine.IsStretchOver);
    }

    [Fact]
    public void While_it_is_claimed_no_stretch_begins()
    {
        HeapMagazine magazine = new();
        Assert.True(magazine.TryOpen(4, stretch: 0));
        magazine.BeginClaim();
        Assert.False(magazine.TryBeginStretch(5, out long taken));
        magazine.EndClaim();
        Assert.True(magazine.IsStretchOver && taken == 0);
    }

    [Fact]
    public void Only_what_is_taken_to_be_used_is_counted()
    {
        HeapMagazine magazine = Open(128);
        for (nuint block = 1; block <= 1_000; block++)
        {
            Assert.True(magazine.TryPush(block) && magazine.TryPop(out nuint found) && found == block);
        }

        Assert.False(magazine.TryPop(out _));
        _ = magazine.Fill(new nuint[128]);
        _ = magazine.Spill(new nuint[64]);
        _ = magazine.TakeOldest(new nuint[10]);
        Assert.Equal((54, 1_000), (magazine.Rounds, magazine.Taken));
        magazine.Clear();
        Assert.Equal((0, 1_000), (magazine.Rounds, magazine.Taken));
    }

    [Fact]
    public void One_that_is_used_is_not_idle()
    {
        HeapMagazine magazine = Open(4);
        _ = magazine.TryPush(1);
        Assert.Equal((false, true), (magazine.SeemsIdle(), magazine.SeemsIdle()));
        _ = magazine.TryPop(out nuint block) && magazine.TryPush(block);
        Assert.Equal((false, true), (magazine.SeemsIdle(), magazine.SeemsIdle()));
    }

    /// <summary>A thread that needs a block now and then does not keep a whole magazine; one that needs many soon fetches M at a time,
    /// until it is idle.</summary>
    [Fact]
    public void It_fetches_more_each_time_it_runs_out()
    {
        HeapMagazine magazine = Open(128);
        Assert.Equal([4, 8, 16, 32, 64, 64], Enumerable.Range(0, 6).Select(_ => magazine.NextBatch()));
        magazine.Clear();
        Assert.Equal(4, magazine.NextBatch());
        HeapMagazine small = Open(4);
        Assert.Equal([2, 2], Enumerable.Range(0, 2).Select(_ => small.NextBatch()));
        small.BeginClaim();
        Assert.Equal(1, small.NextBatch());
    }

    [Fact]
    public void A_claim_closes_it_and_keeps_what_is_in_it()
    {
        HeapMagazine magazine = Open(2);
        _ = magazine.Fill([1, 2]);
        magazine.BeginClaim();
        Interlocked.MemoryBarrierProcessWide();
        magazine.AwaitOwner();
        var batch = new nuint[2];
        Assert.False(magazine.IsOpen || magazine.TryPop(out _) || magazine.TryPush(3));
        Assert.Equal((0, 0, 0), (magazine.Fill([3]), magazine.Spill(batch), magazine.TakeOldest(batch)));
        Assert.Equal([2, 1], magazine.Contents.ToArray());
        magazine.EndClaim();
        Assert.True(magazine.IsOpen);
        Assert.Equal([1, 2], PopAll(ref magazine));
    }

    [Fact]
    public void One_that_was_never_needed_stays_closed()
    {
        HeapMagazine magazine = default;
        Assert.False(magazine.IsOpen || magazine.TryPop(out _) || magazine.TryPush(1));
        magazine.BeginClaim();
        magazine.AwaitOwner();
        magazine.EndClaim();
        Assert.False(magazine.IsOpen);
        Assert.True(magazine.Contents.IsEmpty);
        Assert.True(magazine.TryOpen(2));
        Assert.False(magazine.TryOpen(2));
    }

    /// <summary>What it had is the claimant's, or went with the heap.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void One_that_was_closed_can_be_opened_again_and_has_nothing(bool isRetired)
    {
        HeapMagazine magazine = Open(128);
        _ = magazine.Fill([1, 2, 3]);
        Assert.True(magazine.TryPop(out _) && magazine.NextBatch() == 4 && !magazine.SeemsIdle());
        if (isRetired)
        {
            Assert.NotNull(magazine.Retire());
            Assert.True(magazine.SeemsIdle());
            Assert.Null(magazine.Retire());
        }
        else
        {
            magazine.BeginClaim();
            Assert.Equal(1, magazine.Close());
            magazine.EndClaim();
        }

        Assert.False(magazine.HasRoom || magazine.IsOpen);
        Assert.Equal((0, 0), (magazine.Rounds, magazine.Taken));
        Assert.True(magazine.TryOpen(128));
        Assert.Equal((0, 0, isRetired ? 4 : 8), (magazine.Rounds, magazine.Taken, magazine.NextBatch()));
        Assert.False(magazine.TryPop(out _));
        Assert.True(magazine.TryPush(9) && magazine.TryPop(out nuint block) && block == 9);
    }

    /// <summary>Not even by adding none to it.</summary>
    [Fact]
    public void An_owner_who_finds_it_claimed_writes_nothing()
    {
        var place = new HeapMagazine[1];
        Assert.True(place[0].TryOpen(4));
        bool isOver = false;
        Thread owner = new(() =>
        {
            while (!Volatile.Read(ref isOver))
            {
                _ = place[0].Fill([1]);
            }
        });
        owner.Start();
        int changed = 0;
        for (int i = 0; i < 20_000; i++)
        {
            place[0].BeginClaim();
            Interlocked.MemoryBarrierProcessWide();
            place[0].AwaitOwner();
            place[0].Clear();
            Thread.SpinWait(5);
            changed += place[0].Rounds == 0 ? 0 : 1;
            place[0].EndClaim();
        }

        Volatile.Write(ref isOver, true);
        owner.Join();
        Assert.Equal(0, changed);
    }

    private static HeapMagazine Open(int capacity)
    {
        HeapMagazine magazine = default;
        Assert.True(magazine.TryOpen(capacity));
        return magazine;
    }

    private static List<nuint> PopAll(ref HeapMagazine magazine)
    {
        List<nuint> blocks = [];
        while (magazine.TryPop(out nuint block))
        {
            blocks.Add(block);
        }

        return blocks;
    }
}
