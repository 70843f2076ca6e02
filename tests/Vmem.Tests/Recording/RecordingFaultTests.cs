using Vmem.Testing.Recording;
using Xunit;

namespace Vmem.Tests.Recording;

/// <summary>Streams that throw, stand still, or use the arena that is being recorded.</summary>
public class RecordingFaultTests
{
    /// <summary>Enough that what is live at the beginning takes several writes by itself.</summary>
    private const int Ranges = 20_000;

    [Fact]
    public void A_stream_that_throws_ends_the_recording_and_not_the_arena()
    {
        bool whole = false;
        for (int fault = 0; !whole; fault++)
        {
            using Arena<uint> arena = new("faulty", 0, 1 << 20, 1, new ArenaOptions<uint> { QuantumCacheMax = 8 });
            List<uint> starts = [.. Enumerable.Range(0, Ranges).Select(_ => arena.Allocate(16))];
            using TroubledStream stream = new(call =>
            {
                if (call == fault)
                {
                    throw new IOException("the disk is full");
                }
            });
            ArenaRecording recording = arena.Record(
                stream,
                new ArenaRecordingOptions { Capacity = 1 << 15, MaxWait = Timeout.InfiniteTimeSpan });
            starts.ForEach(start => arena.Free(start, 16));
            for (int i = 0; i < 100; i++)
            {
                arena.Free(arena.Allocate(4), 4);
            }

            Exception? thrown = Xunit.Record.Exception(recording.Dispose);
            whole = thrown is null;
            Assert.Equal(whole, recording.Fault is null);
            Assert.True(whole || thrown is IOException { Message: "The recording of arena 'faulty' ended too early: the disk is full" }, $"{thrown}");
            Assert.True(recording.HasEnded);
            Assert.True(stream.IsDisposed);
            recording.Dispose();
            Assert.Equal(0u, arena.GetStatistics().InUse);
            arena.Validate();
            arena.Record(Stream.Null).Dispose();
            Assert.False(whole && fault < 5, "The stream was called too seldom to show anything.");
        }
    }

    [Fact]
    public void A_dead_recording_makes_room_for_another()
    {
        using Arena<uint> arena = new("dead", 0, 100, 1);
        using ManualResetEventSlim called = new();
        using TroubledStream stream = new(_ =>
        {
            called.Set();
            throw new IOException();
        });
        ArenaRecording first = arena.Record(stream);
        called.Wait(TestContext.Current.CancellationToken);
        SpinWait.SpinUntil(() => first.HasEnded);
        using RecordedArena<uint> second = new(arena);
        Assert.Throws<IOException>(first.Dispose);
        arena.Allocate(10);
        Assert.Equal(1, second.Check().Events);
    }

    [Fact]
    public void A_name_that_cannot_be_told_ends_the_recording()
    {
        using Arena<uint> arena = new("nameless", 0, 100, 1);
        ArenaRecording recording = arena.Record(
            Stream.Null,
            new ArenaRecordingOptions { TagName = static tag => throw new KeyNotFoundException($"no name for {tag}") });
        using (RecordingTag.Use(3))
        {
            arena.Allocate(1);
        }

        Assert.IsType<KeyNotFoundException>(Assert.Throws<IOException>(recording.Dispose).InnerException);
    }

    /// <summary>While the stream stands still the ring fills up; what comes then is left out, and said to be.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void A_stream_that_stands_still_costs_a_counted_gap(int patienceMilliseconds)
    {
        using Arena<uint> arena = new("slow", 0, 1 << 16, 1);
        using ManualResetEventSlim go = new();
        using TroubledStream stream = new(_ => go.Wait());
        ArenaRecording recording = arena.Record(
            stream,
            new ArenaRecordingOptions { Capacity = 16, MaxWait = TimeSpan.FromMilliseconds(patienceMilliseconds) });
        // Of these the writer may have taken a ring's worth before it came to a stand.
        for (int i = 0; i < 100; i++)
        {
            arena.Allocate(1);
        }

        long lost = recording.Lost;
        Assert.InRange(lost, 100 - (2 * 16), 100 - 16);
        go.Set();
        recording.Dispose();
        RecordedRanges ranges = RecordedRanges.Read(stream.ToArray());
        Assert.Equal(lost, ranges.Missing);
        Assert.Equal(100 - lost, ranges.Events);
        Assert.Equal(lost, recording.Lost);
    }

    [Fact]
    public void After_a_gap_the_recording_goes_on()
    {
        using Arena<uint> arena = new("recovering", 0, 1 << 16, 1);
        using ManualResetEventSlim go = new();
        using TroubledStream stream = new(_ => go.Wait());
        ArenaRecording recording = arena.Record(stream, new ArenaRecordingOptions { Capacity = 16, MaxWait = TimeSpan.Zero });
        while (recording.Lost == 0)
        {
            arena.Allocate(1);
        }

        go.Set();
        long lost = recording.Lost;
        SpinWait.SpinUntil(() =>
        {
            arena.Allocate(2);
            long now = recording.Lost;
            bool taken = now == lost;
            lost = now;
            return taken;
        });
        recording.Dispose();
        RecordedRanges ranges = RecordedRanges.Read(stream.ToArray());
        Assert.Equal(lost, ranges.Missing);
        Assert.Contains(ranges.Live, static range => range.Size == 2);
    }

    /// <summary>A stream that allocates from the arena it records, and that ends the recording from within.</summary>
    [Theory]
    [InlineData(0ul)]
    [InlineData(8ul)]
    public void A_stream_may_use_the_arena(ulong cacheMax)
    {
        using Arena<ulong> arena = new("reentered", 0, 1 << 20, 1, new ArenaOptions<ulong> { QuantumCacheMax = cacheMax });
        ArenaRecording? recording = null;
        using TroubledStream stream = new(call =>
        {
            for (int i = 0; i < 100; i++)
            {
                arena.Free(arena.Allocate(4), 4);
            }

            if (call == 3)
            {
                SpinWait.SpinUntil(() => Volatile.Read(ref recording) is not null);
                recording!.Dispose();
            }
        });
        Volatile.Write(
            ref recording,
            arena.Record(stream, new ArenaRecordingOptions { Capacity = 16, MaxWait = TimeSpan.FromMilliseconds(1) }));
        SpinWait.SpinUntil(() =>
        {
            arena.Free(arena.Allocate(4), 4);
            return recording.HasEnded;
        });
        Assert.Null(recording.Fault);
        Assert.True(stream.IsDisposed);
        Assert.Equal(0ul, arena.GetStatistics().InUse);
        arena.Validate();
        RecordedRanges ranges = RecordedRanges.Read(stream.ToArray());
        Assert.Equal(recording.Lost, ranges.Missing);
    }

    [Fact]
    public void A_stream_may_dispose_the_arena()
    {
        Arena<uint> arena = new("self-destructing", 0, 100, 1);
        using TroubledStream stream = new(_ => arena.Dispose());
        ArenaRecording recording = arena.Record(stream);
        SpinWait.SpinUntil(() => recording.HasEnded);
        Assert.Null(recording.Fault);
        recording.Dispose();
    }

    /// <summary>An interrupt does not cut a recording off, and is not lost.</summary>
    [Fact]
    public void Disposing_is_not_interrupted()
    {
        using Arena<uint> arena = new("interrupted", 0, 100, 1);
        using ManualResetEventSlim go = new();
        using TroubledStream stream = new(_ => go.Wait());
        ArenaRecording recording = arena.Record(stream);
        arena.Allocate(10);
        bool interrupted = false;
        Thread thread = new(() =>
        {
            Thread.CurrentThread.Interrupt();
            recording.Dispose();
            try
            {
                Thread.Sleep(Timeout.Infinite);
            }
            catch (ThreadInterruptedException)
            {
                interrupted = true;
            }
        });
        thread.Start();
        go.Set();
        thread.Join();
        Assert.True(interrupted);
        Assert.Equal(1, RecordedRanges.Read(stream.ToArray()).Events);
    }

    /// <summary>A thread that waits for the stream holds the arena's lock. Ending the recording lets it go, and is not
    /// interrupted.</summary>
    [Theory]
    [InlineData(0u)]
    [InlineData(8u)]
    public void Ending_lets_go_of_who_waits_for_the_stream(uint cacheMax)
    {
        using Arena<uint> arena = new("held", 0, 1 << 16, 1, new ArenaOptions<uint> { QuantumCacheMax = cacheMax });
        using ManualResetEventSlim go = new();
        using TroubledStream stream = new(_ => go.Wait());
        ArenaRecording recording = arena.Record(stream, new ArenaRecordingOptions { Capacity = 16, MaxWait = Timeout.InfiniteTimeSpan });
        int count = 0;
        Thread waiting = new(() =>
        {
            for (; count < 100; count++)
            {
                arena.Allocate(16);
            }
        });
        waiting.Start();
        SpinWait.SpinUntil(() => Volatile.Read(ref count) >= 16);    // of the next 16, one finds the ring full
        Exception? thrown = null;
        Thread ending = new(() =>
        {
            Thread.CurrentThread.Interrupt();
            thrown = Xunit.Record.Exception(recording.Dispose);
        });
        ending.Start();
        waiting.Join();                           // the stream stands still all the while
        Assert.False(recording.HasEnded);
        go.Set();
        ending.Join();
        Assert.Null(thrown);
        arena.Validate();
    }

    /// <summary>What a recording's beginning brings about is recorded by a writer that is there already: who waits for it would wait for
    /// ever.</summary>
    [Fact]
    public void Beginning_may_record_more_than_there_is_room_for()
    {
        using Arena<uint> arena = new("listened to", 0, 1 << 16, 1);
        List<uint> starts = [];
        bool armed = true;
        ((INotifyingArenaSource<uint>)arena).Subscribe(() =>
        {
            while (armed && starts.Count < 100)
            {
                starts.Add(arena.Allocate(1));
            }

            armed = false;
        });
        using RecordedArena<uint> recorded = new(arena, capacity: 16);
        Assert.Equal(100, recorded.Check().Events);
    }

    /// <summary>Whoever disposes finds the recording ended, also if another has begun to dispose it, here the stream.</summary>
    [Fact]
    public void Each_disposal_waits_for_the_end()
    {
        using Arena<uint> arena = new("twice", 0, 100, 1);
        using ManualResetEventSlim begun = new();
        using ManualResetEventSlim go = new();
        ArenaRecording? recording = null;
        using TroubledStream stream = new(call =>
        {
            if (call == 0)
            {
                SpinWait.SpinUntil(() => Volatile.Read(ref recording) is not null);
                recording!.Dispose();
                begun.Set();
                go.Wait();
            }
        });
        Volatile.Write(ref recording, arena.Record(stream));
        begun.Wait(TestContext.Current.CancellationToken);
        bool hasEnded = false;
        Thread second = new(() =>
        {
            recording.Dispose();
            hasEnded = recording.HasEnded;
        });
        second.Start();
        SpinWait.SpinUntil(() => (second.ThreadState & (ThreadState.WaitSleepJoin | ThreadState.Stopped)) != 0);
        go.Set();
        second.Join();
        Assert.True(hasEnded);
    }

    /// <summary>A listener that throws at the end of the arena does not keep the recording from ending.</summary>
    [Fact]
    public void The_end_of_the_arena_is_that_of_the_recording_whoever_throws()
    {
        Arena<uint> arena = new("deserted", 0, 100, 1);
        bool armed = false;
        ((INotifyingArenaSource<uint>)arena).Subscribe(() =>
        {
            if (armed)
            {
                throw new InvalidOperationException("a listener");
            }
        });
        ArenaRecording recording = arena.Record(Stream.Null);
        armed = true;
        Assert.Throws<InvalidOperationException>(arena.Dispose);
        Assert.True(recording.HasEnded);
        recording.Dispose();
    }

    /// <summary>An arena that nobody holds any more ends its recording by itself.</summary>
    [Fact]
    public void A_forgotten_arena_ends_its_recording()
    {
        using TroubledStream stream = new(static _ => { });
        WeakReference<ArenaRecording> recording = RecordAndForget(stream);
        SpinWait.SpinUntil(() =>
        {
            GC.Collect();
            return stream.IsDisposed;
        });
        Assert.False(recording.TryGetTarget(out _));
        Assert.Equal(1, RecordedRanges.Read(stream.ToArray()).Events);
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static WeakReference<ArenaRecording> RecordAndForget(Stream stream)
    {
#pragma warning disable CA2000 // To be forgotten is what it is for.
        Arena<uint> arena = new("forgotten", 0, 100, 1);
        ArenaRecording recording = arena.Record(stream);
#pragma warning restore CA2000
        arena.Allocate(10);
        return new WeakReference<ArenaRecording>(recording);
    }
}
