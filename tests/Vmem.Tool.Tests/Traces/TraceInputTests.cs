using System.Text;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Tests.Traces;

/// <summary>Where recordings come from: files, gzip, pipes; and what cannot be read.</summary>
public sealed class TraceInputTests
{
    [Fact]
    public void Gzip_is_told_by_its_first_bytes()
    {
        using TraceReader reader = TraceText.Open(Samples.Gzip("a 1 2\nf 1\n"));
        Assert.Equal([TraceText.Allocate(1, 2), TraceText.Free(1)], TraceText.ReadAll(reader));
    }

    [Fact]
    public void Gzip_in_several_members_is_one_recording()
    {
        using TraceReader reader = TraceText.Open([.. Samples.Gzip("a 1 2\n"), .. Samples.Gzip("f 1\n")]);
        Assert.Equal(2, TraceText.ReadAll(reader).Count);
    }

    [Fact]
    public void Gzip_that_is_damaged_is_an_error_not_an_end()
    {
        byte[] whole = Samples.Gzip(Samples.Generate(5000, 100, seed: 3));
        whole.AsSpan(whole.Length / 2, 40).Clear();
        using TraceReader damaged = TraceText.Open(whole);
        Assert.Throws<MalformedTraceException>(() => TraceText.ReadAll(damaged));
    }

    // A block of zstd is read whole or not at all: so it takes more text to be cut between two.
    [Theory]
    [InlineData(true, 5_000, 300)]
    [InlineData(false, 60_000, 20)]
    public void What_is_cut_off_is_read_to_its_last_whole_line_and_not_a_byte_beyond(bool isGzip, int events, int cuts)
    {
        string text = Samples.Generate(events, 100, seed: 3);
        List<TraceEvent> all = TraceText.Read(text);
        byte[] whole = isGzip ? Samples.Gzip(text) : Samples.Zstd(text);
        int most = 0;
        for (int length = whole.Length - 1; length > 12; length -= 1 + (whole.Length / cuts))
        {
            using TraceReader cut = TraceText.Open(whole[..length]);
            List<TraceEvent> read = TraceText.ReadAll(cut);
            Assert.Equal(all[..read.Count], read);
            Assert.Equal(read.Count, cut.CutOffAfter);
            most = Math.Max(most, read.Count);
        }

        Assert.InRange(most, events / 2, events);
        using TraceReader complete = TraceText.Open(whole);
        Assert.Equal(all, TraceText.ReadAll(complete));
        Assert.Null(complete.CutOffAfter);
    }

    [Fact]
    public void Zstd_is_told_by_its_first_bytes_in_one_frame_or_several()
    {
        byte[] skippable = [0x50, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2];
        using TraceReader reader = TraceText.Open([.. skippable, .. Samples.Zstd("a 1 2\n"), .. Samples.Zstd("f 1\n")]);
        Assert.Equal([TraceText.Allocate(1, 2), TraceText.Free(1)], TraceText.ReadAll(reader));
    }

    [Fact]
    public void Zstd_that_is_damaged_is_an_error_not_an_end()
    {
        byte[] whole = Samples.Zstd(Samples.Generate(5000, 100, seed: 3));
        whole.AsSpan(whole.Length / 2, 40).Clear();
        using TraceReader damaged = TraceText.Open(whole);
        Assert.Throws<MalformedTraceException>(() => TraceText.ReadAll(damaged));
        using TraceReader followed = TraceText.Open([.. Samples.Zstd("a 1 2\n"), .. "rubbish"u8]);
        Assert.Throws<MalformedTraceException>(() => TraceText.ReadAll(followed));
    }

    /// <summary>An address without its last digits is another address.</summary>
    [Theory]
    [InlineData("v 10400 3\n+ 10 0 7fc0\n+ 20 0 7fd0\n- 7f", 2, 3L)]
    [InlineData("v 10400 3\n+ 10 0 7fc0\n+ 20 0 7fd0\n- 7fc0", 2, 3L)]
    [InlineData("v 10400 3\n+ 10 0 7fc0\n+ 20 0 7fd0\n- 7fc0\n", 3, null)]
    [InlineData("= Start\n@ a:[0x1] + 0x10 0x8\n@ a:[0x1] + 0x2", 1, 2L)]
    [InlineData("a 1 5\na 2", 1, 1L)]
    [InlineData("a 1 5\na 2 7", 2, null)]
    [InlineData("vmem 2\nq 1\na 9 7\na 12 45", 1, 3L)]
    [InlineData("vmem 2\nq 1\na 9 7\na 12 456\n", 2, null)]
    public void Text_that_breaks_off_is_read_to_its_last_whole_line(string text, int events, long? after)
    {
        using TraceReader reader = TraceText.Open(text);
        Assert.Equal(events, TraceText.ReadAll(reader).Count);
        Assert.Equal(after, reader.CutOffAfter);
    }

    [Fact]
    public void Zstd_that_asks_for_more_than_its_window_may_hold_is_refused_by_name()
    {
        // A frame header: no single segment, window descriptor with exponent 18 (2^28 bytes); then one raw block of one byte, the last.
        using TraceReader reader = TraceText.Open([0x28, 0xb5, 0x2f, 0xfd, 0x00, 18 << 3, 0x09, 0, 0, (byte)'#']);
        string message = Assert.Throws<MalformedTraceException>(() => TraceText.ReadAll(reader)).Message;
        Assert.Contains("128 MiB", message, StringComparison.Ordinal);
        Assert.Contains("--long", message, StringComparison.Ordinal);
        using TraceReader largest = TraceText.Open([0x28, 0xb5, 0x2f, 0xfd, 0x00, 17 << 3, 0x09, 0, 0, (byte)'#']);
        Assert.Empty(TraceText.ReadAll(largest));
    }

    [Theory]
    [InlineData(new byte[] { 0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0 }, "xz -dc")]
    [InlineData(new byte[] { (byte)'B', (byte)'Z', (byte)'h', (byte)'9' }, "bzip2 -dc")]
    public void Other_compression_is_named_with_the_way_around_it(byte[] start, string advice)
    {
        Assert.Contains(advice, Assert.Throws<MalformedTraceException>(() => TraceText.Open(start)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Binary_garbage_is_refused()
    {
        var garbage = new byte[100_000];
        new Random(5).NextBytes(garbage);
        using TraceReader reader = TraceText.Open(garbage);
        Assert.Throws<MalformedTraceException>(() => TraceText.ReadAll(reader));
    }

    [Fact]
    public void A_line_without_end_is_refused_before_it_fills_the_memory()
    {
        using TraceReader reader = TraceText.Open(Encoding.ASCII.GetBytes("# " + new string('x', 5_000_000)));
        MalformedTraceException fault = Assert.Throws<MalformedTraceException>(() => TraceText.ReadAll(reader));
        Assert.Contains("line 1: the line is longer", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("\na 1 2\n")]
    public void A_line_that_is_too_long_is_refused_although_a_buffer_holds_all_of_it(string rest)
    {
        using TraceReader reader = TraceText.Open("#" + new string('x', LineReader.LongestLine) + rest);
        MalformedTraceException fault = Assert.Throws<MalformedTraceException>(() => TraceText.ReadAll(reader));
        Assert.Contains("line 1: the line is longer than 1048576 bytes", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_line_of_the_greatest_length_is_read()
    {
        using TraceReader reader = TraceText.Open("#" + new string('x', LineReader.LongestLine - 1) + "\na 1 2\n");
        Assert.Single(TraceText.ReadAll(reader));
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    public void An_input_shorter_than_any_magic_number_is_read(string text)
    {
        using TraceReader reader = TraceText.Open("#" + text);
        Assert.Empty(TraceText.ReadAll(reader));
    }

    [Fact]
    public void A_missing_file_and_a_folder_are_named()
    {
        using var folder = new TempFolder();
        string missing = folder.PathOf("missing");
        Assert.StartsWith(missing, Open(missing).Message, StringComparison.Ordinal);
        Assert.StartsWith(folder.PathOf("."), Open(folder.PathOf(".")).Message, StringComparison.Ordinal);

        static MalformedTraceException Open(string path) =>
            Assert.Throws<MalformedTraceException>(() => TraceInput.Open(path, () => Stream.Null));
    }

    [Fact]
    public void Lines_that_lie_across_reads_come_out_whole()
    {
        string text = Samples.Generate(2000, 50, seed: 7);
        var reader = new TraceReader(TraceInput.Open(TraceInput.StandardInput, () => new DrippingStream(Encoding.ASCII.GetBytes(text))));
        Assert.Equal(TraceText.Read(text), TraceText.ReadAll(reader));
        Assert.Equal(2000, reader.LineNumber);
    }

    [Fact]
    public void The_last_line_needs_no_end()
    {
        Assert.Equal([TraceText.Allocate(1, 2), TraceText.Free(1)], TraceText.Read("a 1 2\nf 1"));
    }

    /// <summary>A pipe that hands out one to seven bytes at a time.</summary>
    private sealed class DrippingStream(byte[] contents) : MemoryStream(contents)
    {
        private int _drip;

        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, 1 + (_drip++ % 7))]);
    }
}
