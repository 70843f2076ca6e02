using Vmem.Tool.Replay;
using Vmem.Tool.Traces;
using static Vmem.Tool.Tests.Traces.TraceText;

namespace Vmem.Tool.Tests.Traces;

/// <summary>Who allocated, and when: heaptrack's stacks and time stamps.</summary>
public sealed class StackTests
{
    [Fact]
    public void A_raw_recording_tells_module_and_offset()
    {
        using TraceReader reader = Open(
            "v 10400 3\nx 8 /bin/prg\nm 1 -\nm 1 x 0 1000 100\nm 9 /lib/a.so 7f00 0 10 100 20\nt 8010 0\nt 1001 1\nt ffff 2\n+ 8 3 1\n+ 8 1 2\n+ 8 0 3\n");
        List<TraceEvent> events = ReadAll(reader);
        Assert.Equal([3, 1, 0], events.Select(next => next.Site));
        Assert.Equal(["0xffff", "prg+0x1001", "a.so+0x110"], reader.Stacks[3].Select(frame => frame.ToString()));
        Assert.Equal(["a.so+0x110"], reader.Stacks[1].Select(frame => frame.ToString()));
        Assert.Empty(reader.Stacks[0]);
    }

    [Fact]
    public void A_module_loaded_later_is_seen_and_one_unloaded_is_gone()
    {
        using TraceReader reader = Open(
            "v 10400 2\nx /bin/prg\nm a.so 1000 0 100\nt 1010 0\n+ 8 1 1\nm -\nm b.so 1000 0 100\nt 1010 0\nt 1020 0\n+ 8 2 2\n");
        Assert.Equal(2, ReadAll(reader).Count);
        Assert.Equal(["a.so+0x10", "a.so+0x10", "b.so+0x20"], Enumerable.Range(1, 3).Select(site => reader.Stacks[site].Single().ToString()));
    }

    [Fact]
    public void Modules_may_come_in_any_order_and_look_ups_between_them()
    {
        using TraceReader reader = Open(
            "v 10400 2\nm c.so 3000 0 100\nt 3010 0\nm a.so 1000 0 100\nt 1010 0\nt 3020 0\nm b.so 2000 0 100\nt 2010 0\nt 1020 0\nt 3030 0\n+ 8 1 1\n");
        Assert.Single(ReadAll(reader));
        Assert.Equal(
            ["c.so+0x10", "a.so+0x10", "c.so+0x20", "b.so+0x10", "a.so+0x20", "c.so+0x30"],
            Enumerable.Range(1, 6).Select(site => reader.Stacks[site].Single().ToString()));
    }

    [Fact]
    public void Inlined_functions_come_before_those_around_them_and_operator_new_is_left_out()
    {
        using TraceReader reader = Open(
            "v 10400 3\ns 8 /bin/prg\ns 1b operator new(unsigned long)\ns 4 push\ns b /src/vec.cc\ns 4 main\ni 10 1 2\ni 20 1 3 4 7 5 4 9\ni 30 1 5\ni 40 1\n"
            + "t 4 0\nt 3 1\nt 2 2\nt 1 3\n+ 8 4 1\n");
        Assert.Equal(4, ReadAll(reader).Single().Site);
        Assert.Equal(["push (vec.cc:7)", "main (vec.cc:9)", "main (prg)", "prg at 0x40"], reader.Stacks[4].Select(frame => frame.ToString()));
    }

    [Fact]
    public void A_broken_stack_costs_a_name_and_not_the_replay()
    {
        using TraceReader reader = Open(
            "v 10400 3\ns 99 short\ns\ns 2 ok\u001b\ni zz\ni 1 77 88 99 1\ni 1 3 3\nt 9 9\nt 1 1\nt 3 4\nt\nt 3 1\n+ 8 5 1\n+ 8 6 2\n+ 8 ffffffffffffffff 3\n");
        Assert.Equal([5, 0, 0], ReadAll(reader).Select(next => next.Site));
        Assert.Equal("ok (ok)", reader.Stacks[5][0].ToString());
        Assert.Empty(reader.Stacks[6]);
        Assert.Empty(reader.Stacks[-1]);
    }

    [Fact]
    public void A_real_recording_names_a_stack_for_each_of_its_allocations()
    {
        using var reader = new TraceReader(TraceInput.Open(Samples.CompilerTrace, () => Stream.Null));
        List<TraceEvent> allocations = [.. ReadAll(reader).Where(next => next.Kind == TraceEventKind.Allocate)];
        Assert.All(allocations, next => Assert.NotEmpty(reader.Stacks[next.Site]));
        Assert.StartsWith("libstdc++.so.6+0x", reader.Stacks[allocations[0].Site][0].ToString(), StringComparison.Ordinal);
        Assert.Equal(TimeSpan.FromMilliseconds(15), reader.Elapsed);
        Assert.InRange(reader.Stacks.Bytes, 1, 1 << 20);
    }

    [Fact]
    public void Time_stamps_are_milliseconds_and_one_that_goes_back_is_left_out()
    {
        using TraceReader reader = Open("v 10400 3\n+ 8 0 1\nc 10\nc f\nc zz\nc ffffffffffffffff\n+ 8 0 2\n");
        Assert.True(reader.TryRead(out _));
        Assert.Null(reader.Elapsed);
        Assert.True(reader.TryRead(out _));
        Assert.Equal(TimeSpan.FromMilliseconds(16), reader.Elapsed);
    }

    [Fact]
    public void A_format_without_stacks_and_times_has_none()
    {
        using TraceReader reader = Open("a 1 2\n");
        Assert.Equal(0, reader.Stacks.Count);
        Assert.Equal(0, ReadAll(reader).Single().Site);
        Assert.Equal(0, reader.Stacks.Bytes);
        Assert.Null(reader.Elapsed);
    }

    [Fact]
    public void The_site_comes_with_the_allocation_and_with_its_free()
    {
        using TraceReader reader = Open("v 10400 3\nt 10 0\nt 20 0\n+ 8 2 100\n+ 8 1 200\n- 100\n");
        var batch = new ReplayEvent[8];
        Assert.Equal(3, new EventSource(reader).Fill(batch));
        Assert.Equal([2, 1, 2], batch[..3].Select(next => next.Site));
    }

    [Fact]
    public void Times_of_events_lie_between_their_stamps_however_many_there_are()
    {
        var times = new EventTimes();
        Assert.Null(times.At(0));
        for (int stamp = 1; stamp <= 100_000; stamp++)
        {
            times.Add(10 * stamp, TimeSpan.FromMilliseconds(stamp));
        }

        Assert.Equal(TimeSpan.Zero, times.At(0));
        Assert.Equal(TimeSpan.FromMilliseconds(100_000), times.At(long.MaxValue));
        foreach (int number in new[] { 7, 5_000, 123_456, 999_999 })
        {
            Assert.Equal(number / 10.0, times.At(number)!.Value.TotalMilliseconds, tolerance: 1);
        }
    }
}
