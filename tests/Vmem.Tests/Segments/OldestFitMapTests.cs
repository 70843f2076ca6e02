using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Segments;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Oldest fit in a map alone: what was free before anybody asked, what was freed since, and what is looked at.</summary>
public sealed class OldestFitMapTests : IDisposable
{
    private readonly SegmentMap<uint> _map = new(1);

    public void Dispose() => _map.Dispose();

    /// <summary>Four pieces are passed at a time on the way to what nobody has freed yet.</summary>
    [Fact]
    public void What_is_in_pieces_is_passed_once()
    {
        AddSpan(0, 30);
        for (uint value = 0; value < 20; value++)
        {
            Take(value, 1);
        }

        Assert.Equal(20u, Take());                // the order begins
        for (uint value = 20; value >= 2; value -= 2)
        {
            Free(value - 2, 1);
        }

        uint[] expected = [18, 16, 21, 22, 23, 24, 25, 26, 27, 28, 29, 14];
        Assert.Equal(expected, expected.Select(_ => Take()));
        Assert.Equal(2, StepsOf(1));              // all is known: only the oldest piece is looked at
        Assert.Equal([12u, 10, 8], Enumerable.Range(0, 3).Select(_ => Take()));
        _map.Validate();
    }

    /// <summary>What is too short for one is there for the next.</summary>
    [Theory]
    [InlineData(1u)]
    [InlineData(2u)]
    public void What_nobody_has_freed_is_passed_if_it_does_not_fit(uint hole)
    {
        AddSpan(0, 40);
        Take(0, 5);
        Take(5 + hole, 15 - hole);                // [5, 5 + hole) is free
        Take(25, 5);                              // and [20, 25)
        Take(33, 7);                              // and [30, 33)
        Assert.Equal(20u, Take(3));
        Assert.Equal(5u, Take());
        _map.Validate();
    }

    [Fact]
    public void What_lies_right_behind_what_was_passed_is_found()
    {
        AddSpan(0, 40);
        Take(0, 5);
        Take(7, 1);                               // [5, 7) is free
        Take(9, 11);                              // and [8, 9), and all from 20 on
        Assert.Equal(8u, TakeIn(8, 30));
        Assert.Equal(20u, TakeIn(8, 30));
        Assert.Equal(5u, Take());
    }

    /// <summary>Four pieces are looked at. Behind them any good fit will do, which is the shortest here.</summary>
    [Fact]
    public void After_four_pieces_the_order_does_not_count()
    {
        _map.KeepFreedOrder();
        AddSpan(0, 60);
        Take(0, 60);
        foreach (uint value in (uint[])[2, 4, 6, 8])
        {
            FreePart(value, 1);
        }

        FreePart(20, 5);
        FreePart(40, 3);
        Assert.Equal(40u, Find(3));
        Take(2, 1);
        Assert.Equal(20u, Find(3));               // it is the fourth now
        Assert.Equal(20u, Take(3));
        _map.Validate();
    }

    /// <summary>A piece knows the free segment that it came into.</summary>
    [Fact]
    public void No_index_is_begun_for_what_a_piece_knows()
    {
        _map.KeepFreedOrder();
        AddSpan(0, 60);
        Take(0, 60);
        FreePart(50, 1);
        FreePart(30, 1);
        long bytes = _map.BookkeepingBytes;
        Assert.Equal(50u, Find(1));
        Assert.Equal(bytes, _map.BookkeepingBytes);
    }

    private void TakeEvenOnesAndFindTheFirstOddOneInSteps()
    {
        AddSpan(0, 10_000);
        for (uint value = 0; value < 5_000; value += 2)
        {
            Take(value, 1);
        }

        Assert.Equal(SegmentMap<uint>.Unfinished, _map.Find(FitPolicy.OldestFit, 1, out uint start, inSteps: true));
        Assert.Equal(0u, start);
        while (_map.Find(FitPolicy.OldestFit, 1, out start, inSteps: true) == SegmentMap<uint>.Unfinished)
        {
        }

        Assert.Equal(1u, start);
    }

    /// <summary>Each step looks at 2,048 tags.</summary>
    [Fact]
    public void What_is_unknown_is_found_after_steps()
    {
        TakeEvenOnesAndFindTheFirstOddOneInSteps();
    }

    /// <summary>All that is free is known, but the segment of which the first part was taken has another tag.</summary>
    [Fact]
    public void A_piece_that_does_not_know_its_segment_is_found_after_steps()
    {
        _map.KeepFreedOrder();
        TakeEvenOnesAndFindTheFirstOddOneInSteps();
        Assert.Equal([1u, 3, 5], Enumerable.Range(0, 3).Select(_ => Take()));
    }

    /// <summary>What somebody asked for long ago is kept if it is the arena's policy.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_order_of_an_arenas_policy_stays(bool isPolicy)
    {
        if (isPolicy)
        {
            _map.KeepFreedOrder();
        }

        AddSpan(0, 10);
        Take(0, 9);
        Assert.Equal(9u, Take());
        for (int change = 0; change < 1_100; change++)
        {
            Free(9, 1);
            Take(9, 1);
        }

        _map.Reserve();
        Assert.Equal(isPolicy, _map.KeepsFreedOrder);
    }

    [Theory]
    [InlineData(6u, 4u)]                          // it begins within a quantum,
    [InlineData(8u, 6u)]                          // or ends there,
    [InlineData(8u, 0u)]
    [InlineData(40u, 8u)]                         // is held in part,
    [InlineData(100u, 4u)]                        // outside of all spans,
    [InlineData(uint.MaxValue - 3, 8u)]           // beyond the type,
    [InlineData(16u, 8u)]                         // or named before
    public void An_order_names_what_is_free_and_each_once(uint start, uint size)
    {
        using SegmentMap<uint> map = new(4);
        map.ReserveSpan(80);
        _ = map.AddSpan(0, 80, imported: false);
        map.ReserveSpan(80);
        _ = map.AddSpan(uint.MaxValue - 79, 80, imported: false);
        map.Reserve();
        map.Enlist(map.Carve(map.FindAt(44, 4, inSteps: false), 44, 4));
        (uint, uint)[] good = [(20, 8), (0, 4), (uint.MaxValue - 3, 4), (4, 8), (uint.MaxValue - 79, 76)];
        map.SetFreedOrder([.. good.Select(piece => new FreedSnapshot<uint>(piece.Item1, piece.Item2))]);
        Assert.Equal(good, map.CopyFreedOrder().Select(piece => (piece.Start, piece.Size)));
        map.Validate();
        FreedSnapshot<uint>[] bad = [new(20, 8), new(start, size)];
        Assert.Throws<ArgumentException>(() => map.SetFreedOrder(bad));
    }

    /// <summary>So far that a look-up within a request would have to be made in steps.</summary>
    [Fact]
    public void An_order_does_not_name_what_is_held_far_away()
    {
        AddSpan(0, 20_000);
        for (uint value = 0; value < 12_000; value += 2)
        {
            Take(value, 1);
        }

        _map.ForgetLookUps();
        Assert.Throws<ArgumentException>(() => _map.SetFreedOrder([new(11_997, 2)]));
        _map.SetFreedOrder([new(11_999, 1)]);
        Assert.Equal(11_999u, Assert.Single(_map.CopyFreedOrder()).Start);
    }

    private void AddSpan(uint start, uint size)
    {
        _map.ReserveSpan(size);
        _ = _map.AddSpan(start, size, imported: false);
    }

    private void Take(uint start, uint size)
    {
        _map.Reserve();
        _map.Enlist(_map.Carve(_map.FindAt(start, size, inSteps: false), start, size));
    }

    private uint Take(uint size = 1)
    {
        uint free = _map.Find(FitPolicy.OldestFit, size, out uint start, inSteps: false);
        Assert.True(_map.IsFreeAt(free, start, size));
        Take(start, size);
        return start;
    }

    private uint TakeIn(uint min, uint max)
    {
        var placement = new Placement<uint>(1, new RangeConstraints<uint> { Min = min, Max = max }, 1);
        Assert.NotEqual(0u, _map.FindConstrained(FitPolicy.OldestFit, placement, out uint start));
        Take(start, 1);
        return start;
    }

    private uint Find(uint size)
    {
        Assert.NotEqual(0u, _map.Find(FitPolicy.OldestFit, size, out uint start, inSteps: false));
        return start;
    }

    private void Free(uint start, uint size)
    {
        _map.ReserveToFree();
        _ = _map.Free(_map.Delist(start, size));
    }

    /// <summary>A part of what is held around it becomes free.</summary>
    private void FreePart(uint start, uint size)
    {
        uint tag = _map.Locate(start);
        Segment<uint> held = _map.GetSegment(tag);
        if (held.Start < start)
        {
            _map.Reserve();
            tag = _map.Split(tag, start - held.Start);
        }

        if (held.Start + held.Size > start + size)
        {
            _map.Reserve();
            _ = _map.Split(tag, size);
        }

        Free(start, size);
    }

    private long StepsOf(uint size)
    {
        _ = StepCounter.Take();
        _ = Find(size);
        return StepCounter.Take();
    }
}
