using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Benchmarks.Workloads;

namespace Vmem.Benchmarks.Measurement;

/// <summary>
/// How this machine, now, compares with the one on which the peers were measured. A core's speed: 50 M dependent xorshift steps. Memory:
/// dependent pointer chases through 64 MB, one that visits a line of each 4 KiB page again and again, and one that visits all lines in
/// random order. A bar that another machine set in nanoseconds is multiplied by the ratio that governs it: at 10^5 and more live segments
/// time is cache misses, below that it is instructions.
/// </summary>
/// <remarks>
/// The page chase touches only 16,384 lines, 1 MB of cache: where the last-level cache is large and idle it never leaves the cache and says
/// little about memory, on the peers' machine it evidently did. So the ratio for memory is that of the full chase, whose reference is that
/// machine's "145–160 ns at 64 MB"; the page chase is printed beside it. Taken anew before every study: a shared machine's speed changes
/// within minutes.
/// </remarks>
/// <param name="StepNanoseconds">One xorshift step.</param>
/// <param name="PageChaseNanoseconds">One load of the chase through one line of each page.</param>
/// <param name="FullChaseNanoseconds">One load of the chase through all lines.</param>
/// <param name="TimestampNanoseconds">One reading of the clock.</param>
internal sealed record Calibration(
    double StepNanoseconds,
    double PageChaseNanoseconds,
    double FullChaseNanoseconds,
    double TimestampNanoseconds)
{
    /// <summary>The peers' machine took 2.1 to 2.6 ns a step; this is the middle.</summary>
    public const double ReferenceStepNanoseconds = 2.35;

    public const double ReferencePageChaseNanoseconds = 158;

    /// <summary>The middle of 145 to 160.</summary>
    public const double ReferenceFullChaseNanoseconds = 152.5;

    // From here on a steady state's tables no longer fit the caches of the peers' machine.
    private const long MemoryBoundSegments = 100_000;

    private const int Steps = 50_000_000;
    private const int ChaseBytes = 64 << 20;
    private const int PageBytes = 4096;
    private const int LineBytes = 64;
    private const int ChaseLoads = 2_000_000;

    private static ulong s_sink;

    public double StepRatio => StepNanoseconds / ReferenceStepNanoseconds;

    public double PageChaseRatio => PageChaseNanoseconds / ReferencePageChaseNanoseconds;

    public double FullChaseRatio => FullChaseNanoseconds / ReferenceFullChaseNanoseconds;

    /// <summary>The factor for a time at so many live segments.</summary>
    public double RatioAt(long segments) => segments >= MemoryBoundSegments ? FullChaseRatio : StepRatio;

    public static Calibration Measure()
    {
        _ = StepTime(Steps / 10);
        double step = Rounds.Median(Enumerable.Range(0, 3).Select(_ => StepTime(Steps)));
        return new Calibration(step, ChaseTime(PageBytes), ChaseTime(LineBytes), TimestampTime());
    }

    private static double StepTime(int steps)
    {
        const int Chunk = 100_000;
        var random = new Xorshift64(Xorshift64.DefaultSeed);
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < steps / Chunk; i++)
        {
            StepChunk(ref random, Chunk);
        }
        double elapsed = Clock.NanosecondsSince(begin);
        s_sink += random.Next();
        return elapsed / steps;
    }

    // A method of its own, called often, so that the timed loop is fully optimised code.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void StepChunk(ref Xorshift64 random, int count)
    {
        Xorshift64 local = random;
        for (int i = 0; i < count; i++)
        {
            local.Next();
        }
        random = local;
    }

    private static unsafe double ChaseTime(int stride)
    {
        byte* memory = (byte*)NativeMemory.AlignedAlloc(ChaseBytes, PageBytes);
        try
        {
            LinkRandomCycle(memory, stride);
            byte* position = Chase(memory, ChaseLoads);
            double[] rounds = new double[3];
            for (int round = 0; round < rounds.Length; round++)
            {
                long begin = Stopwatch.GetTimestamp();
                position = Chase(position, ChaseLoads);
                rounds[round] = Clock.NanosecondsSince(begin) / ChaseLoads;
            }
            s_sink += (ulong)position;
            return Rounds.Median(rounds);
        }
        finally
        {
            NativeMemory.AlignedFree(memory);
        }
    }

    // One cycle through all nodes in random order (Sattolo's shuffle), so that no prefetcher guesses the next.
    private static unsafe void LinkRandomCycle(byte* memory, int stride)
    {
        int nodes = ChaseBytes / stride;
        int[] order = new int[nodes];
        for (int i = 0; i < nodes; i++)
        {
            order[i] = i;
        }
        var random = new Xorshift64(Xorshift64.DefaultSeed);
        for (int i = nodes - 1; i > 0; i--)
        {
            int other = random.Index(i);
            (order[i], order[other]) = (order[other], order[i]);
        }
        for (int i = 0; i < nodes; i++)
        {
            *(byte**)(memory + ((long)i * stride)) = memory + ((long)order[i] * stride);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static unsafe byte* Chase(byte* position, int count)
    {
        for (int i = 0; i < count; i++)
        {
            position = *(byte**)position;
        }
        return position;
    }

    private static double TimestampTime()
    {
        const int Reads = 1_000_000;
        long begin = Stopwatch.GetTimestamp();
        long last = 0;
        for (int i = 0; i < Reads; i++)
        {
            last = Stopwatch.GetTimestamp();
        }
        s_sink += (ulong)last;
        return Clock.NanosecondsSince(begin) / Reads;
    }
}
