using Vmem.Tool.Traces;
using static Vmem.Tool.Tests.Traces.TraceText;

namespace Vmem.Tool.Tests.Traces;

/// <summary>What is read from each format, and what is refused.</summary>
public sealed class FormatTests
{
    [Fact]
    public void Heaptrack_lines_are_hexadecimal_and_other_kinds_of_lines_are_skipped()
    {
        List<TraceEvent> events = Read("v 10400 3\nx 7 cc1plus\nX cc1plus -O1\nI 1000 5e298f\nt 7fc67cc77b9 0\n+ 1d8 2a 7fcABC\nc 5\nR 10\n- 7fcabc\n");
        Assert.Equal([Allocate(0x7fcabc, 0x1d8), Free(0x7fcabc)], events);
    }

    [Fact]
    public void Heaptrack_without_its_version_line_is_recognised()
    {
        using TraceReader reader = Open("+ 10 0 1\n- 1\n");
        Assert.Equal(2, ReadAll(reader).Count);
        Assert.Equal(TraceFormat.Heaptrack, reader.Format);
    }

    [Fact]
    public void Mtrace_lines_with_a_caller_that_holds_blanks()
    {
        List<TraceEvent> events = Read("= Start\n@ ./my prog:(f+0x1)[0x40] + 0x1b0 0x64\n@ ./my prog:[0x41] - 0x1b0\n= End\n");
        Assert.Equal([Allocate(0x1b0, 0x64), Free(0x1b0)], events);
    }

    [Fact]
    public void Mtrace_lines_without_a_caller()
    {
        using TraceReader reader = Open("+ 0x1b0 0x64\n- 0x1b0\n");
        Assert.Equal([Allocate(0x1b0, 0x64), Free(0x1b0)], ReadAll(reader));
        Assert.Equal(TraceFormat.Mtrace, reader.Format);
    }

    [Fact]
    public void Mtrace_realloc_is_a_free_and_an_allocation_and_a_failed_one_is_nothing()
    {
        List<TraceEvent> events = Read("= Start\n@ a:[0x1] + 0x10 0x8\n@ a:[0x1] < 0x10\n@ a:[0x1] > 0x20 0x9\n@ a:[0x1] ! 0x20 0xffff\n@ a:[0x1] + (nil) 0x9\n");
        Assert.Equal([Allocate(0x10, 8), Free(0x10), Allocate(0x20, 9)], events);
    }

    [Fact]
    public void Own_lines_are_decimal_with_comments_and_blanks()
    {
        List<TraceEvent> events = Read("# made by hand\n\na 1 100\r\n  # indented\na 18446744073709551615\t0\nf 1\n");
        Assert.Equal([Allocate(1, 100), Allocate(ulong.MaxValue, 0), Free(1)], events);
    }

    [Theory]
    [InlineData("v 10400 3\n+ 10 0 1\n+ zz 0 1\n", 3)]
    [InlineData("v 10400 3\n+ 10 0\n", 2)]
    [InlineData("v 10400 3\n+ 10 0 1 2\n", 2)]
    [InlineData("v 10400 3\n\n- \n", 3)]
    [InlineData("v 10400 3\n- 1 2\n", 2)]
    [InlineData("v 10400 3\n+ 11112222333344445 0 1\n", 2)]
    [InlineData("v 10400 3\n\u0001\u0002\n", 2)]
    [InlineData("= Start\n@ a:[0x1] + 0x10\n", 2)]
    [InlineData("= Start\n@ a:[0x1] ? 0x10 0x10\n", 2)]
    [InlineData("= Start\n@ a:[0x1] - 0xqq\n", 2)]
    [InlineData("= Start\n@ a:[0x1] + 0x10 nine\n", 2)]
    [InlineData("a 1 2\nb 1\n", 2)]
    [InlineData("a 1 2\na 2\n", 2)]
    [InlineData("a 1 2\na 2 -5\n", 2)]
    [InlineData("a 1 2\na 2 0x10\n", 2)]
    [InlineData("a 1 18446744073709551616\n", 1)]
    [InlineData("a 1 2\nf 1 2\n", 2)]
    [InlineData("a 1 2\n\nf\n", 3)]
    [InlineData("hello\n", 1)]
    [InlineData("# comment\n\nhello\n", 3)]
    public void A_malformed_line_is_named_by_its_number(string text, int line)
    {
        MalformedTraceException fault = Fault(text);
        Assert.Equal(line, fault.Line);
        Assert.StartsWith($"standard input, line {line}: ", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_interpreted_heaptrack_file_is_told_from_a_raw_one()
    {
        Assert.Contains("heaptrack --raw", Fault("v 10400 3\na 10 1\n+ 0\n").Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_quoted_from_a_broken_line_can_be_shown_on_a_terminal()
    {
        string message = Fault("a 1 2\n\u001b[31m" + new string('x', 500) + "\n").Message;
        Assert.DoesNotContain('\u001b', message);
        Assert.True(message.Length < 200, message);
    }
}
