using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Allocation;

public class ExtendTests
{
    [Fact]
    public void A_range_grows_into_the_free_segment_behind_it()
    {
        using Arena<uint> arena = new("grow", 0, 100, 1);
        uint start = arena.Allocate(10);
        Assert.True(arena.TryExtend(start, 10, 60));
        Assert.Equal("{0+100: 0+60 (60+40)}", ArenaPicture.Segments(arena));
        Assert.True(arena.TryExtend(start, 60, 100));
        Assert.Equal("{0+100: 0+100}", ArenaPicture.Segments(arena));
        arena.Free(start, 100);
        arena.Validate();
    }

    [Fact]
    public void A_range_shrinks_and_what_it_gave_up_coalesces()
    {
        using Arena<uint> arena = new("shrink", 0, 100, 1);
        uint start = arena.Allocate(60);
        Assert.True(arena.TryExtend(start, 60, 59));
        Assert.True(arena.TryExtend(start, 59, 1));
        Assert.Equal("{0+100: 0+1 (1+99)}", ArenaPicture.Segments(arena));
        arena.Validate();
    }

    [Fact]
    public void A_shrunk_range_in_a_full_arena_makes_a_free_segment()
    {
        using Arena<uint> arena = new("shrink", 0, 30, 1, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        uint[] starts = [arena.Allocate(10), arena.Allocate(10), arena.Allocate(10)];
        Assert.True(arena.TryExtend(starts[1], 10, 4));
        Assert.Equal("{0+30: 0+10 10+4 (14+6) 20+10}", ArenaPicture.Segments(arena));
        Assert.Equal(14u, arena.Allocate(6));
        arena.Validate();
    }

    [Fact]
    public void Without_room_behind_it_a_range_stays_as_it_is()
    {
        using Arena<uint> arena = new("stay", 0, 30, 1, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        arena.AddSpan(30, 10);
        uint[] starts = [arena.Allocate(10), arena.Allocate(10), arena.Allocate(10)];
        arena.Free(starts[1], 10);
        string before = ArenaPicture.Segments(arena);
        Assert.False(arena.TryExtend(starts[0], 10, 21));
        Assert.False(arena.TryExtend(starts[2], 10, 11));
        Assert.Equal(before, ArenaPicture.Segments(arena));
        Assert.True(arena.TryExtend(starts[0], 10, 20));
        arena.Validate();
    }

    [Fact]
    public void Sizes_are_rounded_to_the_quantum()
    {
        using Arena<uint> arena = new("quantum", 0, 64, 16);
        uint start = arena.Allocate(1);
        Assert.True(arena.TryExtend(start, 16, 17));
        Assert.True(arena.TryExtend(start, 25, 32));
        Assert.Equal("{0+64: 0+32 (32+32)}", ArenaPicture.Segments(arena));
    }

    [Fact]
    public void A_range_grows_to_the_very_top_and_not_beyond()
    {
        using Arena<byte> arena = new("top", 250, 6, 1);
        byte start = arena.AllocateConstrained(1, new() { Min = 253 });
        Assert.True(arena.TryExtend(start, 1, 3));
        Assert.False(arena.TryExtend(start, 3, 4));
        Assert.False(arena.TryExtend(start, 3, 255));
        arena.Validate();
    }

    [Theory]
    [InlineData(0, 9, InvalidFreeReason.WrongSize)]
    [InlineData(5, 5, InvalidFreeReason.InteriorAddress)]
    [InlineData(10, 10, InvalidFreeReason.AlreadyFree)]
    [InlineData(200, 10, InvalidFreeReason.NotAllocated)]
    public void A_wrong_range_is_an_invalid_free(uint start, uint oldSize, InvalidFreeReason reason)
    {
        using Arena<uint> arena = new("wrong", 0, 100, 1, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });
        arena.Allocate(10);
        string before = ArenaPicture.Of(arena);
        Assert.Equal(reason, Assert.Throws<InvalidFreeException>(() => arena.TryExtend(start, oldSize, 20)).Reason);
        Assert.Equal(before, ArenaPicture.Of(arena));
    }
}
