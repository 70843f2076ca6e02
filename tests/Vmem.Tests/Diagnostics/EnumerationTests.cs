using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Diagnostics;

/// <summary>An enumeration of segments while the arena changes under it.</summary>
public sealed class EnumerationTests
{
    private const uint Cell = 16;
    private const int Cells = 3_000;              // many batches of 256 segments

    /// <summary>Every third range stays; all else is freed, allocated and resized at random between any two steps.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_does_not_change_is_reported_exactly_and_no_value_twice(bool caches)
    {
        for (ulong seed = 1; seed <= 20; seed++)
        {
            using Arena<uint> arena = new("enumerated", 0, Cells * Cell, 1, new ArenaOptions<uint> { QuantumCacheMax = caches ? 4u : 0 });
            uint[] sizes = new uint[Cells];
            SeededRandom random = new(seed);
            for (int cell = 0; cell < Cells; cell++)
            {
                Toggle(arena, sizes, cell, random);
            }

            HashSet<uint> steady = [.. Enumerable.Range(0, Cells / 3).Select(static third => (uint)third * 3 * Cell)];
            ulong next = 0;
            foreach (Segment<uint> segment in arena.GetSegments().Where(static segment => segment.Kind != SegmentKind.Span))
            {
                Assert.InRange(segment.Start, next, ulong.MaxValue);
                next = (ulong)segment.Start + segment.Size;
                if (steady.Remove(segment.Start))
                {
                    Assert.Equal(new Segment<uint>(segment.Start, sizes[segment.Start / Cell], SegmentKind.Allocated), segment);
                }

                for (int i = random.Below(4); i > 0; i--)
                {
                    int cell = random.Below(Cells);
                    Toggle(arena, sizes, cell % 3 == 0 ? cell + 1 : cell, random);
                }
            }

            Assert.Empty(steady);
            Assert.InRange(next, 1ul, Cells * Cell);
            arena.Validate();
        }
    }

    private static void Toggle(Arena<uint> arena, uint[] sizes, int cell, SeededRandom random)
    {
        uint start = (uint)cell * Cell;
        if (sizes[cell] == 0)
        {
            uint size = 5 + (uint)random.Below(12);
            sizes[cell] = arena.TryAllocateAt(start, size) ? size : 0;
        }
        else if (random.Below(3) == 0)
        {
            uint size = 5 + (uint)random.Below(12);
            sizes[cell] = arena.TryExtend(start, sizes[cell], size) ? size : sizes[cell];
        }
        else
        {
            arena.Free(start, sizes[cell]);
            sizes[cell] = 0;
        }
    }
}
