using Spectre.Console;
using Vmem.Tool.Commands;
using Vmem.Tool.Processes;

namespace Vmem.Tool.Tests.Processes;

/// <summary>The table of <c>vmem top</c> in terminals of all widths and heights.</summary>
public sealed class TopTableTests
{
    /// <summary>No line is longer than the terminal is wide, each row is one line, and what is in use is always there.</summary>
    [Theory]
    [InlineData(40)]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(120)]
    [InlineData(200)]
    public void It_is_as_wide_as_the_terminal(int width)
    {
        string[] lines = Draw(width, height: 0);
        Assert.All(lines, line => Assert.InRange(line.Length, 0, width));
        Assert.Equal(Things().Count, lines.Count(static line => line.Contains("arena", StringComparison.Ordinal)));
        Assert.Contains(lines, static line => line.Contains("in use", StringComparison.Ordinal));
        Assert.Contains(lines, static line => line.Contains("1.00e+38", StringComparison.Ordinal));
        Assert.Equal(width >= 120, lines.Any(static line => line.Contains(TopColumns.Trend, StringComparison.Ordinal)));
    }

    [Fact]
    public void It_is_as_high_as_the_terminal_and_says_what_is_left_out()
    {
        string[] lines = Draw(width: 80, height: 12);
        Assert.InRange(lines.Length, 9, 12);
        Assert.Contains(lines, static line => line.Contains("and 15 more", StringComparison.Ordinal));
        Assert.Contains("1.00e+38", lines[4], StringComparison.Ordinal);            // the most in use comes first
    }

    [Fact]
    public void Names_of_programs_are_plain()
    {
        using var text = new StringWriter();
        IAnsiConsole terminal = Terminals.Create(text, isTerminal: false);
        terminal.Write(TopTable.Create("a\u001b[2J", [new MeasuredThing("arena\u009b", "b\u001b\nc", "1")], TopOrder.InUse, 80, height: 0));
        terminal.WriteLine("d\u001b");
        Assert.Contains("a.[2J", text.ToString(), StringComparison.Ordinal);
        Assert.Contains("│ arena. │ b..c", text.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("d." + Environment.NewLine, text.ToString(), StringComparison.Ordinal);
    }

    private static string[] Draw(int width, int height)
    {
        using var text = new StringWriter();
        IAnsiConsole terminal = Terminals.Create(text, isTerminal: false);
        terminal.Profile.Width = width;
        terminal.Write(TopTable.Create("a program (4711)", Things(), TopOrder.InUse, width, height));
        return text.ToString().Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries);
    }

    private static List<MeasuredThing> Things() => [.. Enumerable.Range(0, 20).Select(static i =>
    {
        var thing = new MeasuredThing("arena", $"an arena with a long name [{i}]", "1");
        thing.Values["in_use"] = i == 7 ? 1e38 : i * 1_000;
        thing.Values["size"] = i == 7 ? 2e38 : i * 2_000;
        thing.Values["fragmentation"] = 0.25;
        for (int look = 0; look < MeasuredThing.MostHistory + 5; look++)
        {
            thing.NoteHistory();
        }

        return thing;
    })];
}
