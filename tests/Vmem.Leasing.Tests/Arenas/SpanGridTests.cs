using Vmem.Leasing.Arenas;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>The cells of an arena from 1000 on, of 8 each.</summary>
public sealed class SpanGridTests
{
    [Theory]
    [InlineData(1000, 1, 1000, 1008)]
    [InlineData(1007, 1, 1000, 1008)]
    [InlineData(1008, 1, 1008, 1016)]
    [InlineData(1000, 8, 1000, 1008)]
    [InlineData(1010, 4, 1008, 1016)]
    [InlineData(1014, 2, 1008, 1016)]
    [InlineData(1014, 3, 1008, 1020)]
    [InlineData(1007, 2, 1000, 1016)]
    [InlineData(1016, 4, 1016, 1020)]
    [InlineData(1019, 1, 1016, 1020)]
    [InlineData(1000, 20, 1000, 1020)]
    public void The_cells_around_a_range_end_with_the_arena(int start, int size, int from, int to)
    {
        LeaseDefinition definition = new() { Start = 1000, Size = 20, Type = nameof(UInt64), Quarantine = TimeSpan.FromMinutes(1) };
        SpanGrid grid = new(definition, 8);
        Assert.Equal((1000u, 1020u, 8u, 1u), (grid.Start, grid.End, grid.SpanSize, grid.Quantum));
        Assert.Equal(((UInt128)from, (UInt128)to), grid.Around((UInt128)start, (UInt128)size));
    }

    [Fact]
    public void Cells_are_counted_from_the_start_of_the_arena()
    {
        LeaseDefinition definition = new() { Start = 1001, Size = 24, Type = nameof(UInt64), Quarantine = TimeSpan.FromMinutes(1) };
        SpanGrid grid = new(definition, 8);
        Assert.Equal((1001u, 1009u), grid.Around(1008, 1));
        Assert.Equal((1009u, 1025u), grid.Around(1009, 9));
    }
}
