using Vmem.Leasing.Arenas;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>What a store is asked for. The arena has 64 values from 1000 on, its quantum is 4, and spans have 16.</summary>
public sealed class SpanNeedTests
{
    private static readonly LeaseArena s_arena = new(7, "ids", new LeaseDefinition
    {
        Start = 1000,
        Size = 64,
        Quantum = 4,
        Type = nameof(UInt64),
        Quarantine = TimeSpan.FromMinutes(1),
    });

    private static readonly SpanGrid s_grid = new(s_arena.Definition, 16);

    [Fact]
    public void Each_constraint_alone_is_one()
    {
        Assert.False(new SpanNeed<ulong>(4, default).IsConstrained);
        RangeConstraints<ulong>[] all =
            [new() { Align = 1 }, new() { Phase = 1 }, new() { NoCross = 1 }, new() { Min = 1 }, new() { Max = 1 }];
        Assert.All(all, static some => Assert.True(new SpanNeed<ulong>(4, some).IsConstrained));
    }

    [Theory]
    [InlineData(1000, 1064, true)]
    [InlineData(0, 0, true)]
    [InlineData(999, 0, true)]
    [InlineData(1000, 2000, true)]
    [InlineData(1001, 1064, false)]
    [InlineData(1000, 1063, false)]
    [InlineData(1004, 0, false)]
    public void A_window_around_the_whole_arena_narrows_nothing(ulong min, ulong max, bool isNone)
    {
        RangeConstraints<ulong> window = new() { Min = min, Max = max, NoCross = 8 };
        RangeConstraints<ulong> expected = isNone ? new() { NoCross = 8 } : window;
        Assert.Equal(new SpanNeed<ulong>(4, expected), new SpanNeed<ulong>(4, window).Simplify(s_grid));
    }

    [Theory]
    [InlineData(4, 0, true)]
    [InlineData(2, 0, true)]
    [InlineData(1, 0, true)]
    [InlineData(0, 0, true)]
    [InlineData(8, 0, false)]
    [InlineData(3, 0, false)]
    [InlineData(4, 2, false)]
    public void An_alignment_that_every_quantum_has_narrows_nothing(ulong align, ulong phase, bool isNone)
    {
        RangeConstraints<ulong> given = new() { Align = align, Phase = phase };
        Assert.Equal(new SpanNeed<ulong>(4, isNone ? default : given), new SpanNeed<ulong>(4, given).Simplify(s_grid));
    }

    /// <summary>At least what is needed, in whole quanta; a span if there is room; no more than the arena.</summary>
    [Theory]
    [InlineData(4, 100, 4, 16)]
    [InlineData(5, 100, 8, 16)]
    [InlineData(8, 12, 8, 12)]
    [InlineData(7, 4, 8, 8)]
    [InlineData(17, 100, 20, 20)]
    [InlineData(16, 100, 16, 16)]
    public void Without_constraints_a_span_is_asked_for(ulong size, int room, int least, int most)
    {
        LeaseRequest request = Ask(new SpanNeed<ulong>(size, default), NeedEffort.WholeSpan, room);
        Assert.Equal(Request(most) with { MinSize = (UInt128)least }, request);
    }

    [Fact]
    public void A_span_is_no_longer_than_the_arena()
    {
        SpanNeed<ulong> need = new(4, default);
        LeaseRequest request = need.ToRequest(s_arena, Guid.Empty, new SpanGrid(s_arena.Definition, 128), NeedEffort.WholeSpan, 200);
        Assert.Equal((4u, 64u), (request.MinSize, request.Size));
    }

    /// <summary>A boundary is an alignment where that is stricter, and stores can do it.</summary>
    [Theory]
    [InlineData(0, 0, 16, 16)]
    [InlineData(8, 0, 16, 16)]
    [InlineData(16, 0, 16, 16)]
    [InlineData(32, 0, 16, 32)]
    [InlineData(12, 0, 16, 12)]
    [InlineData(8, 4, 16, 8)]
    [InlineData(0, 0, 2, 0)]
    [InlineData(8, 4, 0, 8)]
    public void Constraints_are_told_and_a_boundary_as_an_alignment(ulong align, ulong phase, ulong noCross, int told)
    {
        RangeConstraints<ulong> constraints = new() { Align = align, Phase = phase, NoCross = noCross, Min = 1004, Max = 1060 };
        foreach (NeedEffort effort in (NeedEffort[])[NeedEffort.Least, NeedEffort.Elsewhere])
        {
            LeaseRequest request = Ask(new SpanNeed<ulong>(6, constraints), effort, 100);
            Assert.Equal(Request(8) with { Align = (UInt128)told, Phase = phase, Min = 1004, Max = 1060 }, request);
        }
    }

    /// <summary>The cell around the only place, if there is room for that.</summary>
    [Theory]
    [InlineData(1020, 4, 0, 100, 16, 1016, 1032)]
    [InlineData(1020, 4, 0, 16, 16, 1016, 1032)]
    [InlineData(1020, 4, 0, 15, 4, 1020, 1024)]
    [InlineData(1028, 8, 0, 100, 32, 1016, 1048)]
    [InlineData(1020, 4, 4, 100, 16, 1016, 1032)]
    [InlineData(1060, 4, 0, 100, 16, 1048, 1064)]
    public void One_place_is_asked_for_by_its_cell(ulong place, ulong size, ulong align, int room, int asked, int from, int to)
    {
        RangeConstraints<ulong> one = new() { Min = place, Max = place + size, Align = align };
        LeaseRequest request = Ask(new SpanNeed<ulong>(size, one), NeedEffort.WholeSpan, room);
        Assert.Equal(Request(asked) with { Min = (UInt128)from, Max = (UInt128)to, Align = asked == 4 ? align : 0u }, request);
    }

    /// <summary>As long as a span, the room and the window allow, in whole quanta; but never less than is needed.</summary>
    [Theory]
    [InlineData(4, 1004, 1060, 0, 100, 16)]
    [InlineData(4, 1004, 1060, 0, 12, 12)]
    [InlineData(4, 1004, 1012, 0, 100, 8)]
    [InlineData(4, 1001, 1012, 0, 100, 8)]
    [InlineData(20, 1004, 1060, 0, 100, 20)]
    [InlineData(4, 0, 1012, 0, 100, 12)]
    [InlineData(4, 1056, 0, 0, 100, 8)]
    [InlineData(4, 1056, 2000, 0, 100, 8)]
    [InlineData(8, 1004, 1012, 8, 100, 8)]
    [InlineData(4, 1060, 1004, 0, 100, 4)]
    [InlineData(8, 1004, 1008, 0, 100, 8)]
    public void In_a_window_a_span_is_asked_for(ulong size, ulong min, ulong max, ulong align, int room, int asked)
    {
        RangeConstraints<ulong> window = new() { Min = min, Max = max, Align = align };
        LeaseRequest request = Ask(new SpanNeed<ulong>(size, window), NeedEffort.WholeSpan, room);
        Assert.Equal(Request(asked) with { Min = min, Max = max, Align = align }, request);
    }

    private static LeaseRequest Ask(SpanNeed<ulong> need, NeedEffort effort, int room)
    {
        LeaseRequest request = need.ToRequest(s_arena, Guid.Empty, s_grid, effort, (UInt128)room);
        Assert.NotEqual(Guid.Empty, request.Id);
        return request with { Id = Guid.Empty };
    }

    private static LeaseRequest Request(int size) => new(7, Guid.Empty, Guid.Empty, (UInt128)size);
}
