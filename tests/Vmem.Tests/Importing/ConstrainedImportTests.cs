using Vmem.Testing.Generation;
using Vmem.Testing.Model;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>An arena asks its source for what would help, and for nothing else.</summary>
public class ConstrainedImportTests
{
    /// <summary>illumos does not import at all for min, max or nocross.</summary>
    [Fact]
    public void Illumos_refuses_to_import_for_min_max_and_nocross()
    {
        using Arena<uint> parent = new("parent", 0, 1 << 20, 64);
        using Arena<uint> child = new("child", 64, new ArenaOptions<uint> { Source = parent });
        Assert.InRange(child.AllocateConstrained(128, new() { Min = 10_000 }), 10_000u, 1u << 20);
        Assert.InRange(child.AllocateConstrained(128, new() { Min = 20_000, Max = 30_000 }), 20_000u, 30_000u - 128);
        uint start = child.AllocateConstrained(128, new() { NoCross = 128, Min = 4_000 });
        Assert.Equal(start / 128, (start + 127) / 128);
        child.Validate();
        parent.Validate();
    }

    [Fact]
    public void Alignment_is_passed_on_or_over_asked_for()
    {
        using Arena<uint> parent = new("parent", 64, 1 << 20, 64);
        using Arena<uint> child = new("child", 64, new ArenaOptions<uint> { Source = parent });
        Assert.Equal(0u, child.AllocateConstrained(64, new() { Align = 8_192 }) % 8_192);
        Assert.Equal(192u, child.AllocateConstrained(64, new() { Align = 8_192, Phase = 192 }) % 8_192);
    }

    /// <summary>A source that can do nothing but hand out ranges is asked for so much that an aligned place is in it.</summary>
    [Fact]
    public void A_source_that_refuses_constraints_is_asked_for_more_instead()
    {
        uint next = 64;
        ScriptedSource<uint> source = new(64, (size, constraints) =>
        {
            if (constraints.Align > 64 || constraints.Phase != 0)
            {
                return null;
            }

            uint start = next;
            next += size;
            return (start, size);
        });
        using Arena<uint> arena = new("child", 64, new ArenaOptions<uint> { Source = source });
        Assert.Equal(0u, arena.AllocateConstrained(64, new() { Align = 1_024 }) % 1_024);
        Assert.Single(source.Outstanding);
        arena.Validate();
    }

    [Fact]
    public void A_parent_that_cannot_help_is_left_alone()
    {
        using Arena<uint> parent = new("parent", 0, 1 << 16, 64);
        parent.AllocateConstrained(8_192, new() { Max = 8_192 });
        using Arena<uint> child = new("child", 64, new ArenaOptions<uint> { Source = parent });
        Assert.False(child.TryAllocateConstrained(64, new() { Max = 8_192 }, FitPolicy.BestFit, out _));
        Assert.False(child.TryAllocateConstrained(64, new() { Min = 1 << 16 }, FitPolicy.BestFit, out _));
        Assert.Equal(8_192u, parent.GetStatistics().InUse);
        Assert.Equal(0u, child.GetStatistics().TotalSize);
    }

    /// <summary>With equal quanta and no minimum, a child fails if and only if there is a place neither in it nor in its parent, once that
    /// has the child's empty imports back.</summary>
    [Fact]
    public void A_child_fails_only_if_there_is_no_place_in_it_nor_in_its_parent()
    {
        for (ulong seed = 0; seed < (ulong)Night.Scaled(40); seed++)
        {
            SeededRandom random = new(seed);
            using Arena<ushort> parent = new("parent", (ushort)(512 + random.Below(200)), (ushort)(300 + random.Below(300)), 1);
            using Arena<ushort> child = new(
                "child",
                1,
                new ArenaOptions<ushort> { Source = parent, RetainedImport = (ushort)random.Below(200) });
            List<(ushort Start, ushort Size)> live = [];
            for (int step = 0; step < 300; step++)
            {
                if (random.Below(5) < 3)
                {
                    RequestOne(child, parent, random, live);
                }
                else if (live.Count > 0)
                {
                    int index = random.Below(live.Count);
                    child.Free(live[index].Start, live[index].Size);
                    live.RemoveAt(index);
                }

                child.Validate();
                parent.Validate();
                Assert.Equal(child.GetStatistics().Imported, parent.GetStatistics().InUse);
            }
        }
    }

    private static void RequestOne(Arena<ushort> child, Arena<ushort> parent, SeededRandom random, List<(ushort Start, ushort Size)> live)
    {
        int size = 1 + random.Below(24);
        int align = 1 << random.Below(7);
        int phase = random.Below(align);
        int noCross = random.Below(2) == 0 ? 0 : 1 << random.Below(8);
        int min = random.Below(2) == 0 ? 0 : 400 + random.Below(700);
        ModelConstraints constraints = new(align, phase, noCross, min, random.Below(2) == 0 ? 0 : min + random.Below(300));
        constraints = constraints.AreWellFormed(size, 1) ? constraints : constraints with { NoCross = 0 };
        bool possible = HasPlace(child, size, constraints) || HasPlaceOnceReaped(parent, child, size, constraints);
        RangeConstraints<ushort> asked = constraints.For<ushort>();
        bool found = child.TryAllocateConstrained((ushort)size, asked, (FitPolicy)random.Below(7), out ushort start);
        Assert.True(found == possible, $"{size} with {constraints}: found {found}, possible {possible}");
        if (found)
        {
            Assert.True(PlacementRule.Holds(start, size, constraints, 1), $"{size} with {constraints} at {start}");
            live.Add((start, (ushort)size));
        }
    }

    private static bool HasPlace(Arena<ushort> arena, int size, ModelConstraints constraints) =>
        arena.GetSegments().Where(segment => segment.Kind == SegmentKind.Free).Any(segment =>
            Enumerable.Range(segment.Start, Math.Max(0, segment.Size - size + 1))
                .Any(place => PlacementRule.Holds(place, size, constraints, 1)));

    private static bool HasPlaceOnceReaped(Arena<ushort> parent, Arena<ushort> child, int size, ModelConstraints constraints)
    {
        var free = new bool[ushort.MaxValue + 1];
        Segment<ushort> span = default;
        foreach (Segment<ushort> segment in parent.GetSegments().Concat(child.GetSegments()))
        {
            span = segment.Kind == SegmentKind.Span ? segment : span;
            bool ofParent = span == parent.GetSegments().First();
            if (segment.Kind == SegmentKind.Free && (ofParent || segment.Size == span.Size))
            {
                free.AsSpan(segment.Start, segment.Size).Fill(true);
            }
        }

        return Enumerable.Range(0, free.Length - size)
            .Any(place => PlacementRule.Holds(place, size, constraints, 1) && !free.AsSpan(place, size).Contains(false));
    }
}
