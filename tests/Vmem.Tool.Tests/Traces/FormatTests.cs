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

    [Fact]
    public void An_interpreted_recording_names_kinds_and_the_youngest_of_a_kind_is_freed()
    {
        using TraceReader reader = Open("v 10400 3\nt 0 0\na 10 1\na 20 0\n+ 0\n+ 1\n+ 0\n- 0\n- 1\n- 0\n- 0\n");
        List<TraceEvent> events = ReadAll(reader);
        ulong[] names = [.. events.Select(next => next.Id)];
        Assert.Equal([0x10, 0x20, 0x10, 0, 0, 0, 0], events.Select(next => next.Size));
        Assert.Equal([1, 0, 1, 0, 0, 0, 0], events.Select(next => next.Site));
        Assert.Equal([names[2], names[1], names[0]], names[3..6]);
        Assert.DoesNotContain(names[6], names[..6]);
        Assert.Equal((1, TraceFormat.Heaptrack), (reader.GuessedFrees, reader.Format));
    }

    [Fact]
    public void Interpreted_recordings_of_before_2017_have_addresses()
    {
        Assert.Equal([Allocate(0x7f, 0x10), Free(0x7f)], Read("v 10100\ns main\ni 1 0 1\n+ 10 0 7f\n- 7f\n"));
    }

    [Fact]
    public void Valgrind_calls_of_calls_count_once_and_what_the_program_wrote_is_skipped()
    {
        List<TraceEvent> events = Read(
            "==12== Memcheck, a memory error detector\n--12-- REDIR: 0x4 (libc.so.6:malloc) redirected to 0x5 (malloc)\nhello\n"
            + "--12-- realloc(0x0,50)malloc(50) = 0x4A40\n--12-- realloc(0x4A40,70) = 0x4A90\n--12-- realloc(0x4A90,0)free(0x4A90)\n--12--  = 0\n"
            + "--12-- calloc(99999,99999)malloc(10) = 0x10\n--12-- malloc(1152921504606846976) = 0x0\n--12-- memalign(al 64, size 100) = 0x20\n"
            + "--12-- _ZnwmSt11align_val_t(size 64, al 128) = 0x30\n--12-- _ZdlPvmSt11align_val_t(0x30)\n--12-- free(0x0)\n--12-- malloc_usable_size(0x20) = 100\n");
        Assert.Equal(
            [Allocate(0x4a40, 50), Free(0x4a40), Allocate(
                0x4a90,
                70), Free(0x4a90), Allocate(0x10, 10), Allocate(0x20, 100), Allocate(0x30, 64), Free(0x30)],
            events);
    }

    [Fact]
    public void Addresses_of_two_processes_in_one_valgrind_log_are_two_objects()
    {
        List<TraceEvent> events = Read("--1-- malloc(8) = 0x10\n--00:00:00:01.615 2-- malloc(8) = 0x10\n--2-- free(0x10)\n--1-- free(0x10)\n");
        Assert.NotEqual(events[0].Id, events[1].Id);
        Assert.Equal([events[1].Id, events[0].Id], events[2..].Select(next => next.Id));
    }

    [Fact]
    public void A_valgrind_log_without_allocations_says_how_to_get_one_with_them()
    {
        using TraceReader reader = Open("==12== Memcheck\n==12== HEAP SUMMARY:\n");
        Assert.Empty(ReadAll(reader));
        Assert.Contains("--trace-malloc=yes", reader.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void Ltrace_with_every_prefix_and_ending()
    {
        List<TraceEvent> events = Read(
            "__libc_start_main(0x401186, 1) = 0\nmalloc(24)                       = 0x10\n[pid 7] 13:51:13.977701 [0x401222] u->realloc(0x10, 70) = 0x20 <0.000879>\n"
            + "7 1795787474.706328 calloc(2, 16) = 0x30\n0.0002 memalign(64, 100, 40, 0x10) = 0x40\nlibstdc++.so.6->operator new(unsigned long)(32, 1) = 0x50\n"
            + "_Znwm@GLIBCXX_3.4(5) = 0x60\nrealloc(0x20, 0) = 0\nrealloc(0x60, -1) = 0\nfree(0) = <void>\nputs(\"malloc(1) = 0x99\") = 17\n--- SIGCHLD ---\n"
            + "operator delete(void*, unsigned long)(0x50, 32) = 1\nmalloc(3) = nil\n+++ exited (status 0) +++\n");
        Assert.Equal(
            [
                Allocate(0x10, 24), Free(0x10), Allocate(
                    0x20,
                    70), Allocate(0x30, 32), Allocate(0x40, 100), Allocate(0x50, 32), Allocate(0x60, 5), Free(0x20), Free(0x50),
            ],
            events);
    }

    [Fact]
    public void Ltrace_frees_when_a_call_begins_and_allocates_when_it_has_ended()
    {
        List<TraceEvent> events = Read(
            "[pid 1] malloc(8 <unfinished ...>\n[pid 2] malloc(9 <unfinished ...>\n[pid 1] <... malloc resumed> ) = 0x10\n[pid 2] <... malloc resumed> ) = 0x20\n"
            + "[pid 1] free(0x10 <unfinished ...>\n[pid 2] realloc(0x20, 99 <unfinished ...>\n[pid 1] <... free resumed> ) = <void>\n[pid 2] <... realloc resumed> ) = 0x10\n"
            + "[pid 3] <... malloc resumed> ) = 0x70\n[pid 1] _exit(0 <no return ...>\n");
        Assert.Equal([Allocate(0x10, 8), Allocate(0x20, 9), Free(0x10), Free(0x20), Allocate(0x10, 99)], events);
    }

    [Fact]
    public void A_call_that_resumes_without_a_name_is_skipped()
    {
        List<TraceEvent> events = Read("malloc(24 <unfinished ...>\n<... resumed> ) = 0x10\nmalloc(8) = 0x20\n");
        Assert.Equal([Allocate(0x20, 8)], events);
        Assert.Equal(1, Fault("<... resumed> ) = 0x10\n").Line);
    }

    [Fact]
    public void Ltrace_of_an_operator_and_of_the_malloc_in_it_is_one_object()
    {
        List<TraceEvent> events = Read(
            "t->_Znam(40, 33 <unfinished ...>\nx->_Znwm(40 <unfinished ...>\nx->malloc(40) = 0x30\n<... _Znwm resumed> ) = 0x30\n<... _Znam resumed> ) = 0x30\n"
            + "t->_ZdaPv(0x30 <unfinished ...>\nx->free(0x30) = <void>\n<... _ZdaPv resumed> ) = 0\n");
        Assert.Equal([Allocate(0x30, 40), Free(0x30)], events);
    }

    [Fact]
    public void What_a_bpftrace_script_prints_is_read_as_ltrace()
    {
        using TraceReader reader = Open("Attaching 3 probes...\nmalloc(24) = 0x55d2a0\nfree(0x55d2a0)\n");
        Assert.Equal([Allocate(0x55d2a0, 24), Free(0x55d2a0)], ReadAll(reader));
        Assert.Equal(TraceFormat.Ltrace, reader.Format);
    }

    [Theory]
    [InlineData("v 10400 3\n+ 10 0 1\n")]
    [InlineData("= Start\n@ a + 0x1 0x10\n")]
    [InlineData("a 1 16\n")]
    [InlineData("malloc(16) = 0x1\n")]
    [InlineData("--1-- malloc(16) = 0x1\n")]
    public void A_byte_order_mark_is_no_part_of_the_text(string text)
    {
        Assert.Equal([Allocate(1, 16)], Read("\ufeff" + text));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Utf_16_is_told_what_it_is(bool bigEndian)
    {
        var encoding = new System.Text.UnicodeEncoding(bigEndian, byteOrderMark: true);
        using TraceReader reader = Open([.. encoding.GetPreamble(), .. encoding.GetBytes("a 1 16\n")]);
        Assert.Contains("UTF-16", Assert.Throws<MalformedTraceException>(() => ReadAll(reader)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("v 10400 3\n+ 10 0 1\n+ zz 0 1\n", 3)]
    [InlineData("v 10400 3\n+ 10 0\n", 2)]
    [InlineData("v 10400 3\n+ 0\n", 2)]
    [InlineData("v 10400 3\na 10\n", 2)]
    [InlineData("v 10400 3\na 10 0\n+ 1\n", 3)]
    [InlineData("v 10400 3\na 10 0\n- 1\n", 3)]
    [InlineData("v 10400 3\na 10 0\n+ 10 0 1234\n", 3)]
    [InlineData("v 10400 3\na 10 0\n+ ffffffffffffffff\n", 3)]
    [InlineData("==1== Memcheck\n--1-- malloc(x) = 0x10\n", 2)]
    [InlineData("==1== Memcheck\n--1-- malloc(10)\n", 2)]
    [InlineData("==1== Memcheck\n--1-- free()\n", 2)]
    [InlineData("malloc(1) = 0x10\nmalloc(1) = ten\n", 2)]
    [InlineData("malloc(1) = 0x10\nmalloc(1\n", 2)]
    [InlineData("malloc(1) = 0x10\ncalloc(1) = 0x20\n", 2)]
    [InlineData("malloc(1 <unfinished ...>\n<... malloc resumed> ) = x\n", 2)]
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
    public void A_first_line_of_no_format_is_told_which_there_are()
    {
        string message = Fault("hello\n").Message;
        Assert.All(["heaptrack", "mtrace", "valgrind", "ltrace", "a ID SIZE"], format => Assert.Contains(format, message, StringComparison.Ordinal));
    }

    [Fact]
    public void What_is_quoted_from_a_broken_line_can_be_shown_on_a_terminal()
    {
        string message = Fault("a 1 2\n\u001b[31m" + new string('x', 500) + "\n").Message;
        Assert.DoesNotContain('\u001b', message);
        Assert.True(message.Length < 200, message);
    }
}
