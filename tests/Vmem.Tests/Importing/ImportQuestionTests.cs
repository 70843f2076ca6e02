using Vmem.Importing;
using Vmem.Ranges;
using Vmem.Space;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>What a source is asked that is no arena, question by question: how much, and where.</summary>
public class ImportQuestionTests
{
    private static RangeConstraints<uint> Anywhere => default;

    [Fact]
    public void A_plain_request_is_one_question() => Assert.Equal(["2: 64"], Ask(64, Anywhere, 64, 64));

    /// <summary>The source aligns to its own quantum of its own accord; to the larger unit it is told to.</summary>
    [Fact]
    public void A_unit_that_is_not_the_sources_is_an_alignment() => Assert.Equal(["2: 64 align 64"], Ask(64, Anywhere, 64, 16));

    [Fact]
    public void What_is_preferred_is_asked_for_first() =>
        Assert.Equal(["0: 1024", "2: 64"], Ask(64, Anywhere, 64, 64, preferred: 1_000));

    /// <summary>A source that aligns nothing is asked for so much that a slab is in it: 1,024, and 192 to the next aligned place.</summary>
    [Fact]
    public void A_slab_is_looked_for_in_more_than_a_slab()
    {
        Assert.Equal(["0: 1024 align 256", "1: 1216", "2: 64"], Ask(64, Anywhere, 64, 64, preferred: 1_024, preferredAlign: 256));
        Assert.Equal(["0: 1024 align 256", "1: 1216 align 64", "2: 64 align 64"],
            Ask(64, Anywhere, 64, 16, preferred: 1_024, preferredAlign: 256));
        // Aligned to no more than the unit, it is a plain question.
        Assert.Equal(["0: 1024", "2: 64"], Ask(64, Anywhere, 64, 64, preferred: 1_024, preferredAlign: 64));
        // Without a length that is preferred there is no slab.
        Assert.Equal(["2: 64"], Ask(64, Anywhere, 64, 64, preferred: 0, preferredAlign: 256));
        // So much more is beyond the type.
        Assert.Equal(["0: 4294966272 align 2048", "2: 64"],
            Ask(64, Anywhere, 64, 64, preferred: uint.MaxValue - 1_023, preferredAlign: 2_048));
    }

    /// <summary>64 at a multiple of 1,024 lie in any 1,024 that begin at a multiple of 64.</summary>
    [Fact]
    public void An_alignment_is_passed_on_and_then_over_asked_for()
    {
        RangeConstraints<uint> aligned = new() { Align = 1_024 };
        Assert.Equal(["2: 64 align 1024", "4: 1024"], Ask(64, aligned, 64, 64));
        Assert.Equal(["0: 512 align 1024", "2: 64 align 1024", "3: 1024", "4: 1024"], Ask(64, aligned, 64, 64, preferred: 512));
        Assert.Equal(["0: 2048 align 1024", "2: 64 align 1024", "3: 2048", "4: 1024"], Ask(64, aligned, 64, 64, preferred: 2_048));
        Assert.Equal(["2: 64 align 1024", "4: 1024 align 64"], Ask(64, aligned, 64, 16));
    }

    /// <summary>The units around the window [70, 1000) are [64, 1024); 6 and 24 of them lie outside.</summary>
    [Fact]
    public void A_window_is_asked_for_with_the_units_around_it()
    {
        RangeConstraints<uint> window = new() { Min = 70, Max = 1_000 };
        Assert.Equal(["2: 64 align 64 in 70 to 1000", "4: 128 in 64 to 1024"], Ask(64, window, 64, 64));
        // 64 outside, and 64 for the request, are two units. One more outside, at either end, and it takes three.
        Assert.Equal("4: 128 in 64 to 256", Ask(64, new() { Min = 96, Max = 224 }, 64, 64)[^1]);
        Assert.Equal("4: 192 in 64 to 256", Ask(64, new() { Min = 97, Max = 224 }, 64, 64)[^1]);
        Assert.Equal("4: 192 in 64 to 256", Ask(64, new() { Min = 96, Max = 223 }, 64, 64)[^1]);
    }

    /// <summary>No question is for more than all the units around the window.</summary>
    [Fact]
    public void Nobody_asks_for_more_than_the_window()
    {
        Assert.Equal("4: 192 in 448 to 640", Ask(64, new() { Align = 512, Min = 448, Max = 640 }, 64, 64)[^1]);
        Assert.Equal("3: 128 in 64 to 192", Ask(64, new() { Min = 65, Max = 192 }, 64, 64, preferred: 4_096)[^2]);
    }

    /// <summary>What is sure to hold 3 GB at a multiple of 2 GB is longer than the type: all of the window is asked for, if there is
    /// one.</summary>
    [Fact]
    public void Where_no_length_is_sure_the_window_is_asked_for()
    {
        RangeConstraints<uint> aligned = new() { Align = 1u << 31 };
        Assert.Equal(["2: 3221225472 align 2147483648"], Ask(3u << 30, aligned, 64, 64));
        Assert.Equal("4: 4026531840 in 0 to 4026531840", Ask(3u << 30, aligned with { Max = 0xF000_0000 }, 64, 64)[^1]);
    }

    /// <summary>In units of 48 the last whole one ends at 4,294,967,280.</summary>
    [Fact]
    public void What_lies_above_the_last_whole_unit_of_the_type_is_not_asked_for()
    {
        RangeConstraints<uint> high = new() { Min = uint.MaxValue - 400 };
        Assert.Equal("4: 96 in 4294966848 to 4294967280", Ask(48, high, 48, 48)[^1]);
        Assert.Equal("4: 96 in 4294966848 to 4294967280", Ask(48, new() { Min = 4_294_966_849 }, 48, 48)[^1]);
        // A whole number of units may end where the type does: that is no bound.
        Assert.Equal("4: 128 in 4294966848 to the top", Ask(64, high, 64, 64)[^1]);
    }

    private static string[] Ask(
        uint size, RangeConstraints<uint> constraints, uint unit, uint sourceQuantum, uint preferred = 0, uint preferredAlign = 0)
    {
        Placement<uint> need = new(size, constraints, unit);
        ImportTerms<uint> terms = new(unit, preferred, preferredAlign, ImportPass.Both);
        List<string> questions = [];
        for (int step = 0; step < ImportAsk<uint>.Steps; step++)
        {
            if (ImportAsk<uint>.TryMake(step, need, terms, sourceQuantum, out ImportAsk<uint> ask))
            {
                questions.Add($"{step}: {ask.Size}{Where(ask.Constraints)}");
            }
        }

        return [.. questions];
    }

    private static string Where(RangeConstraints<uint> where)
    {
        string window = where is { Min: 0, Max: 0 } ? "" : $" in {where.Min} to {(where.Max == 0 ? "the top" : where.Max)}";
        return $"{(where.Align == 0 ? "" : $" align {where.Align}")}{(where.Phase == 0 ? "" : $" phase {where.Phase}")}{window}";
    }
}
