using System.Numerics;
using Vmem.Caching;
using Vmem.Checks;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>What is noted of the ranges of cached sizes, alone: with a caller, in a cache, or nothing.</summary>
public class RangeStatesTests
{
    private const int Units = 64;
    private const int Spare = 64;                 // sheets that there may be where there is no slab

    [Fact]
    public void Of_what_was_never_noted_nothing_is_known()
    {
        RangeStates<uint> states = new(1, Units);
        Assert.False(states.Knows(7) || states.IsCached(7) || states.IsWithCaller(7, 0) || states.TryGive(7, 0));
        Assert.True(states.TryTake(7, 0));        // no reason to refuse it
        Assert.True(states.TryNote(8, 3, 0));
        Assert.False(states.Knows(7) || states.IsCached(7) || states.IsWithCaller(7, 0) || states.TryGive(7, 3));
        Assert.Null(states.Fault);
    }

    [Fact]
    public void A_range_goes_from_a_caller_into_a_cache_and_back()
    {
        RangeStates<uint> states = new(1, Units);
        Assert.True(states.TryNote(8, 0, 0));
        Assert.True(states.Knows(8) && states.IsWithCaller(8, 0) && !states.IsCached(8) && !states.IsWithCaller(8, 1));
        Assert.False(states.TryGive(8, 1));
        Assert.True(states.TryGive(8, 0));
        Assert.True(states.Knows(8) && states.IsCached(8) && !states.IsWithCaller(8, 0));
        Assert.False(states.TryGive(8, 0) || states.TryNote(8, 0, 0));
        Assert.True(states.IsCached(8));
        Assert.True(states.TryTake(8, 5));
        Assert.True(states.IsWithCaller(8, 5) && !states.IsCached(8));
        Assert.True(states.TryNote(8, 63, 0) && states.IsWithCaller(8, 63));
        states.Forget(8);
        Assert.False(states.Knows(8) || states.IsWithCaller(8, 63));
        Assert.Null(states.Fault);
    }

    /// <summary>The first of them is told.</summary>
    [Fact]
    public void What_a_caller_has_already_is_not_taken_again()
    {
        RangeStates<uint> states = new(1, Units);
        Assert.True(states.TryNote(8, 0, 0) && states.TryNote(9, 0, 0));
        Assert.False(states.TryTake(8, 0));
        Assert.False(states.TryTake(9, 0));
        Assert.StartsWith("8 lay in two magazines", states.Fault, StringComparison.Ordinal);
        Assert.True(states.IsWithCaller(8, 0));
    }

    /// <summary>Four spots to each sheet, over many sheets; and none of the places between two quanta.</summary>
    [Fact]
    public void Each_range_is_known_by_where_it_starts()
    {
        Check<byte>(1);
        Check<byte>(16);
        Check<ushort>(3);
        Check<uint>(24);
        Check<uint>(4_096);
        Check<ulong>(1_000_000_007);
        Check<UInt128>((UInt128)1 << 70);
        Check(((UInt128)1 << 64) + 2);
    }

    [Fact]
    public void There_are_so_many_sheets_as_slabs_may_need_and_some_more()
    {
        RangeStates<uint> states = new(1, Units);
        Assert.Equal(Bytes(0, 8), states.Bytes);
        for (uint sheet = 0; sheet < Spare; sheet++)
        {
            Assert.True(states.TryNote(sheet * Units, 0, slabs: 0));
            int count = (int)sheet + 1;
            Assert.Equal(Bytes(count, Math.Max(8, (int)BitOperations.RoundUpToPowerOf2((uint)(2 * count)))), states.Bytes);
        }

        Assert.False(states.TryNote(Spare * Units, 0, slabs: 0));
        Assert.True(states.TryNote((Spare * Units) - 1, 0, slabs: 0));        // its sheet is there
        Assert.True(states.TryNote((Spare + 0) * Units, 0, slabs: 1) && states.TryNote((Spare + 1) * Units, 0, slabs: 1));
        Assert.False(states.TryNote((Spare + 2) * Units, 0, slabs: 1));
        Assert.All(Enumerable.Range(0, Spare + 2), sheet => Assert.True(states.IsWithCaller((uint)sheet * Units, 0)));
    }

    [Fact]
    public void Sheets_go_when_there_are_more_than_twice_as_many_as_the_slabs_need()
    {
        RangeStates<uint> states = new(1, Units);
        for (uint sheet = 0; sheet < 2 * (Spare + 20); sheet++)
        {
            Assert.True(states.TryNote(sheet * Units, 0, slabs: 1_000));
        }

        Assert.False(states.IsSparse(slabs: 10));
        states.Shrink(slabs: 10);
        Assert.True(states.Knows(0));
        Assert.True(states.IsSparse(slabs: 9));
        states.Shrink(slabs: 9);
        Assert.False(states.Knows(0) || states.IsSparse(slabs: 0));
        Assert.Equal(Bytes(0, 8), states.Bytes);
        Assert.True(states.TryNote(0, 0, slabs: 0));
        Assert.Equal(Bytes(1, 8), states.Bytes);
    }

    [Fact]
    public void Where_there_is_no_memory_for_a_sheet_nothing_is_noted()
    {
        RangeStates<uint> states = new(1, Units);
        Assert.True(states.TryNote(0, 0, slabs: 0));
        using (GrowthFault.Inject(static () => true))
        {
            Assert.True(states.TryNote(1, 0, slabs: 0));
            Assert.False(states.TryNote(Units, 0, slabs: 0));
        }

        Assert.False(states.Knows(Units));
        Assert.Equal(Bytes(1, 8), states.Bytes);
        Assert.True(states.TryNote(Units, 0, slabs: 0));
    }

    private static long Bytes(int sheets, int slots) => (sheets * (16L + Units)) + (slots * (long)nint.Size);

    private static void Check<T>(T quantum)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        RangeStates<T> states = new(quantum, Units);
        int most = int.CreateSaturating(T.MaxValue / quantum);
        int[] noted = [.. Enumerable.Range(0, 240).Select(i => (i / 4 * Units) + (i % 4 * 21)).Where(unit => unit < most)];
        foreach (int unit in noted)
        {
            Assert.True(states.TryNote(quantum * T.CreateTruncating(unit), unit % 40, slabs: 0));
        }

        for (int unit = 0; unit < Math.Min(most, 62 * Units); unit++)
        {
            T start = quantum * T.CreateTruncating(unit);
            Assert.Equal(noted.Contains(unit), states.Knows(start));
            Assert.Equal(noted.Contains(unit), states.IsWithCaller(start, unit % 40));
            Assert.False(quantum > T.One && (states.Knows(start + T.One) || states.Knows(start + (quantum - T.One))));
        }
    }
}
