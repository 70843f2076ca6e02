using Vmem.Tool.Replay;
using Vmem.Tool.Traces;
using static Vmem.Tool.Tests.Traces.TraceText;

namespace Vmem.Tool.Tests.Traces;

/// <summary>The lines that only a recorded arena has.</summary>
public sealed class RecordedArenaTests
{
    private const string Head = "vmem 2\nn ports\nq 1\ns 49152 16384\n";

    [Fact]
    public void The_head_names_the_quantum_and_reading_it_loses_no_event()
    {
        using TraceReader reader = Open(Head + "a 49152 1\nf 49152\n");
        Assert.Equal(1ul, reader.ReadQuantum());
        Assert.Equal([Allocate(49152, 1), Free(49152)], ReadAll(reader));
        Assert.Equal(TraceFormat.Vmem, reader.Format);
        Assert.True(reader.IsComplete);
    }

    [Theory]
    [InlineData("a 1 16\nf 1\n")]
    [InlineData("+ 10 0 1\n- 1\n")]
    [InlineData("")]
    public void Other_recordings_name_none(string text)
    {
        using TraceReader reader = Open(text);
        Assert.Null(reader.ReadQuantum());
    }

    [Fact]
    public void An_object_that_is_resized_and_was_never_seen_has_no_site_not_that_of_the_event_before()
    {
        using TraceReader reader = Open(Head + "x 1\na 1 10 5\nr 9 20\n");
        var source = new EventSource(reader);
        var batch = new ReplayEvent[1];
        Assert.Equal(1, source.Fill(batch));
        Assert.Equal(1, batch[0].Site);
        Assert.Equal(1, source.Fill(batch));
        Assert.Equal((20ul, 0), (batch[0].Requested, batch[0].Site));
    }

    [Fact]
    public void Tags_are_sites_with_a_name_if_they_have_one()
    {
        using TraceReader reader = Open(Head + "g 7 the textures\na 1 1 7\na 2 1\na 3 1 8\na 4 1 7\n");
        List<TraceEvent> events = ReadAll(reader);
        Assert.Equal([1, 0, 2, 1], events.Select(next => next.Site));
        Assert.Equal("the textures", Assert.Single(reader.Stacks[1]).ToString());
        Assert.Equal("tag 8", Assert.Single(reader.Stacks[2]).ToString());
    }

    [Fact]
    public void Time_goes_on_with_its_lines()
    {
        using TraceReader reader = Open(Head + "t 1500\na 1 1\nt 2000\nf 1\n");
        Assert.True(reader.TryRead(out _));
        Assert.Equal(TimeSpan.FromMilliseconds(1.5), reader.Elapsed);
        Assert.True(reader.TryRead(out _));
        Assert.Equal(TimeSpan.FromMilliseconds(2), reader.Elapsed);
    }

    [Fact]
    public void A_gap_makes_the_recording_incomplete()
    {
        using TraceReader reader = Open(Head + "a 1 1\nx 12\na 1 1\nf 5\nx 3\n");
        Assert.Equal(3, ReadAll(reader).Count);
        Assert.Equal(15ul, reader.Missing);
        Assert.False(reader.IsComplete);
    }

    /// <summary>IPv6 addresses: each live one has a number of 64 bits that no other has.</summary>
    [Fact]
    public void Ids_of_128_bits_are_told_apart()
    {
        List<TraceEvent> events = Read("vmem 2\na 340282366920938463463374607431768211455 4\na 18446744073709551616 4\nf 340282366920938463463374607431768211455\na 340282366920938463463374607431768211454 4\nr 18446744073709551616 2\n");
        Assert.NotEqual(events[0].Id, events[1].Id);
        Assert.Equal(events[0].Id, events[2].Id);
        Assert.NotEqual(events[1].Id, events[3].Id);
        Assert.Equal((TraceEventKind.Resize, events[1].Id, 2ul), (events[4].Kind, events[4].Id, events[4].Size));
    }

    [Theory]
    [InlineData("vmem 3\n", 1, "recordings of version 2")]
    [InlineData("vmem two\n", 1, "vmem VERSION")]
    [InlineData("vmem 2\nq 140737488355329\n", 2, "from 1 to")]
    [InlineData("vmem 2\nq 0\n", 2, "from 1 to")]
    [InlineData("vmem 2\nq 18446744073709551616\n", 2, "expected")]
    [InlineData("vmem 2\nt later\n", 2, "expected")]
    [InlineData("vmem 2\nt 18446744073709551615\n", 2, "expected")]
    [InlineData("vmem 2\nx -1\n", 2, "expected")]
    [InlineData("vmem 2\na 1 18446744073709551616\n", 2, "larger quantum")]
    [InlineData("vmem 2\na 340282366920938463463374607431768211456 1\n", 2, "below 2^128")]
    [InlineData("vmem 2\na 1 1 18446744073709551616\n", 2, "a tag in decimal")]
    [InlineData("vmem 2\na 1 1 1 1\n", 2, "nothing more")]
    [InlineData("vmem 2\na 1 1\nr 1\n", 3, "r ID SIZE")]
    [InlineData("vmem 2\nz\n", 2, "expected")]
    public void A_malformed_line_is_named_by_its_number(string text, int line, string message)
    {
        MalformedTraceException fault = Fault(text);
        Assert.Equal(line, fault.Line);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
    }
}
