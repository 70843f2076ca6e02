using Vmem.Checks;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>With <see cref="ArenaOptions{T}.KeepIndexes"/> no request waits for an index, the first of its kind or a later one.</summary>
public class KeptIndexTests
{
    private const int HolesByDay = 50_000;
    private const long Bound = 1_000;

    private static readonly int s_holes = Math.Clamp(Night.Scaled(HolesByDay), HolesByDay / 10, HolesByDay);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_first_request_of_a_kind_takes_few_steps(bool isKept)
    {
        using Arena<ulong> arena = Holed(isKept);
        RangeConstraints<ulong> aligned = new() { Align = 64 };
        Action[] requests =
        [
            () => arena.Free(arena.Allocate(3, FitPolicy.BestFit), 3),
            () => arena.Free(arena.Allocate(3, FitPolicy.FirstFit), 3),
            () => arena.FreeConstrained(arena.AllocateConstrained(3, new() { Min = 8 * (ulong)s_holes }, FitPolicy.LastFit), 3),
            () => Assert.False(arena.TryAllocateConstrained(3, aligned with { Max = 8 * (ulong)s_holes }, FitPolicy.FirstFit, out _)),
        ];
        for (int round = 0; round < 2; round++)
        {
            long most = 0;
            foreach (Action request in requests)
            {
                _ = StepCounter.Take();
                request();
                most = Math.Max(most, StepCounter.Take());
            }

            Assert.True(isKept ? most < Bound : round > 0 || most > s_holes, $"{most} steps in round {round}");
            for (int i = 0; i < 4 * s_holes && round == 0; i++)
            {
                arena.Free(arena.Allocate(1), 1);       // an index that nobody asks for would go
            }
        }

        arena.Validate();
    }

    [Theory]
    [InlineData(0u)]
    [InlineData(24u)]
    public void An_alignment_that_cannot_be_is_refused(uint align)
    {
        ArgumentException refused = Assert.Throws<ArgumentException>(
            () => new Arena<uint>("indexed", 16, new ArenaOptions<uint> { KeepIndexes = true, IndexedAlignments = [64, align] }));
        Assert.Contains("IndexedAlignments", refused.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => new Arena<uint>("indexed", 16, new ArenaOptions<uint> { IndexedAlignments = [16, 32, 64, 128] }));
    }

    /// <summary>Holes of 4 at 8, 16, 24 and so on, less 3: none of them has a place at a multiple of 64 for a range of 3.</summary>
    private static Arena<ulong> Holed(bool isKept)
    {
        ArenaOptions<ulong> options = isKept ? new() { KeepIndexes = true, IndexedAlignments = [64] } : new();
        Arena<ulong> arena = new("holes", 1, 16 * (ulong)s_holes, 1, options);
        for (int i = 0; i < s_holes; i++)
        {
            _ = arena.Allocate(4);
            _ = arena.Allocate(4);
        }

        for (ulong start = 1; start < 8 * (ulong)s_holes; start += 8)
        {
            arena.Free(start, 4);
        }

        return arena;
    }
}
