using Vmem.Tool.Replay;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Tests.Traces;

/// <summary>
/// Recordings that real tools made of real programs, against what those tools themselves say of them. "ls" is the program of that name;
/// "t" and "u" call each allocation function of C and C++ in turn, the latter from two threads and a forked process too.
/// </summary>
public sealed class RecordingTests
{
    // From heaptrack_print 1.4.0: 226 calls, a peak of 138.68K, 153 objects leaked.
    [Theory]
    [InlineData("ls.heaptrack.zst", 0)]
    [InlineData("ls.heaptrack.raw.zst", 0)]
    public void Heaptrack_raw_and_interpreted_say_the_same_as_heaptrack_print(string name, int unknown)
    {
        using TraceReader reader = Open(name);
        var source = new EventSource(reader);
        Assert.Equal(138_680, Peak(source), tolerance: 10);
        Assert.Equal((226, 226 - 153, unknown), (source.Allocations, source.Frees, source.UnknownFrees));
        Assert.Equal(TraceFormat.Heaptrack, reader.Format);
    }

    [Fact]
    public void An_interpreted_recording_has_the_sizes_and_sites_of_the_raw_one_and_more_words_in_its_stacks()
    {
        using TraceReader raw = Open("ls.heaptrack.raw.zst");
        using TraceReader interpreted = Open("ls.heaptrack.zst");
        List<TraceEvent> left = TraceText.ReadAll(raw);
        List<TraceEvent> right = TraceText.ReadAll(interpreted);
        Assert.Equal(left.Select(next => (next.Kind, next.Size, next.Site)), right.Select(next => (next.Kind, next.Size, next.Site)));
        Assert.Equal((0, true), (raw.GuessedFrees, interpreted.GuessedFrees > 0));
        Assert.Equal(raw.Elapsed, interpreted.Elapsed);
        int site = left[^1].Kind == TraceEventKind.Allocate ? left[^1].Site : left.Last(next => next.Site > 0).Site;
        Assert.StartsWith("libc.so.6+0x", raw.Stacks[site][0].ToString(), StringComparison.Ordinal);
        Assert.EndsWith(")", interpreted.Stacks[site][0].ToString(), StringComparison.Ordinal);
    }

    // memcheck's own count is "58 allocs, 58 frees" of t. Of u it is 15 and 14, a realloc that failed among both; one of each comes from
    // the forked process, and that frees one more that it inherited.
    [Theory]
    [InlineData("t.valgrind.txt", 58, 58, 0)]
    [InlineData("u.valgrind.txt", 15 - 1 + 1, 14 - 1 + 1, 1)]
    public void Valgrind_log(string name, int allocations, int frees, int unknown)
    {
        using TraceReader reader = Open(name);
        var source = new EventSource(reader);
        _ = Peak(source);
        Assert.Equal((allocations, frees, unknown), (source.Allocations, source.Frees, source.UnknownFrees));
        Assert.Equal(TraceFormat.Valgrind, reader.Format);
    }

    // 33 and 14 lines of t and u hold an allocation's address, operators new not counted. ltrace did not see t's posix_memalign and strdup,
    // which it frees, nor a thread of it that freed one object.
    [Theory]
    [InlineData("t.ltrace.txt", 33, 32, 2, 1)]
    [InlineData("u.ltrace.txt", 14, 13, 0, 0)]
    public void Ltrace_text(string name, int allocations, int frees, int unknown, int implied)
    {
        using TraceReader reader = Open(name);
        var source = new EventSource(reader);
        _ = Peak(source);
        Assert.Equal((allocations, frees, unknown, implied), (source.Allocations, source.Frees, source.UnknownFrees, source.ImpliedFrees));
        Assert.Equal(TraceFormat.Ltrace, reader.Format);
    }

    // A first sieve; the fuzzers do it in earnest.
    [Theory]
    [InlineData("ls.heaptrack.zst")]
    [InlineData("ls.heaptrack.raw.zst")]
    [InlineData("t.valgrind.txt")]
    [InlineData("u.valgrind.txt")]
    [InlineData("t.ltrace.txt")]
    [InlineData("u.ltrace.txt")]
    public void A_recording_with_some_bytes_changed_is_read_or_refused(string name)
    {
        byte[] stored = File.ReadAllBytes(Samples.Recording(name));
        using Stream text = TraceInput.Open(Samples.Recording(name), () => Stream.Null).Text;
        using var plain = new MemoryStream();
        text.CopyTo(plain);
        var random = new Random(1);
        for (int round = 0; round < 300; round++)
        {
            byte[] changed = round % 4 == 0 ? [.. stored] : plain.ToArray();
            for (int change = random.Next(1, 20); change > 0; change--)
            {
                byte[] meaningful = [
                    (byte)'\n', (byte)' ', (byte)'(', (byte)')', (byte)'0', (byte)'f', (byte)'<', (byte)'=', (byte)'-', (byte)random.Next(
                        256)
                ];
                changed[random.Next(changed.Length)] = meaningful[random.Next(meaningful.Length)];
            }

            using TraceReader reader = ReadOrRefuse(changed[..random.Next(changed.Length / 2, changed.Length)]);
            Assert.InRange(reader.Stacks.Bytes, 0, 1 << 20);
            Assert.All(Enumerable.Range(0, reader.Stacks.Count + 1), site => Assert.InRange(reader.Stacks[site].Count, 0, 1000));
        }
    }

    private static TraceReader ReadOrRefuse(byte[] contents)
    {
        TraceReader reader = TraceText.Open(contents);
        try
        {
            _ = Peak(new EventSource(reader));
        }
        catch (MalformedTraceException)
        {
            // Refused, which is right too.
        }

        return reader;
    }

    private static TraceReader Open(string name) => new(TraceInput.Open(Samples.Recording(name), () => Stream.Null));

    private static long Peak(EventSource source)
    {
        long live = 0;
        long peak = 0;
        var batch = new ReplayEvent[64];
        for (int count = source.Fill(batch); count > 0; count = source.Fill(batch))
        {
            foreach (ReplayEvent next in batch.AsSpan(0, count))
            {
                live += next.IsAllocation ? (long)next.Requested : -(long)next.Requested;
                peak = Math.Max(peak, live);
            }
        }

        return peak;
    }
}
