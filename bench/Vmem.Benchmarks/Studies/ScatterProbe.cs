using System.Globalization;
using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Workloads;
using Vmem.Memory;

namespace Vmem.Benchmarks.Studies;

/// <summary>What a process found that had never allocated so much before. Written and read as two numbers on one line, from the child
/// process to its parent.</summary>
/// <param name="Nanoseconds">Of processor time, the system's page faults included, for an allocation and a free.</param>
/// <param name="ResidentBytes">Of each block, while all are live: what the process grew by.</param>
internal readonly record struct ScatterCosts(double Nanoseconds, double ResidentBytes)
{
    public static ScatterCosts Parse(string line)
    {
        double[] values = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(word => double.Parse(word, CultureInfo.InvariantCulture))];
        return values.Length == 2 ? new ScatterCosts(values[0], values[1]) : throw new FormatException($"Two numbers were expected, not '{line}'.");
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Nanoseconds:R} {ResidentBytes:R}");
}

/// <summary>A child process of the heap study: a million blocks of 64 bytes, allocated in a row and freed in random order, by one allocator
/// in a process that holds little else.</summary>
internal static class ScatterProbe
{
    public const string Verb = "scatter";

    public const int Blocks = 1_000_000;

    private const nuint Size = 64;
    private const int ChunkLength = 1_000;

    // Enough calls that the loops are compiled for good, few enough blocks that next to nothing of what they leave behind is used again:
    // 0.2 %.
    private const int RehearsedBlocks = 2 * ChunkLength;
    private const int Rehearsals = 60;
    private const int RehearsalRounds = 3;

    // Of an allocator that can be had twice, what happens to many blocks is compiled on another one. 200,000: so far the measured one has
    // to grow some hundred times.
    private const int BlocksElsewhere = 200_000;

    public static ScatterCosts Start(BlockSubject subject) => ScatterCosts.Parse(ChildProcess.Run(Verb, subject.Name));

    public static int Run(string name)
    {
        BlockSubject subject = HeapStudy.Subjects.Append(BlockSubjects.TrustingHeap).Single(subject => subject.Name == name);
        Console.Out.WriteLine(subject.Run(new Experiment()));
        return 0;
    }

    private sealed class Experiment : IBlockExperiment<ScatterCosts>
    {
        public ScatterCosts Run<TBlocks, TBlock>(Func<TBlocks> make)
            where TBlocks : struct, IBlocks<TBlocks, TBlock>
            where TBlock : struct, IBlock
        {
            using TBlocks blocks = make();
            var live = new TBlock[Blocks];
            Array.Fill(live, default);
            using (TBlocks other = TBlocks.IsOneForAll ? blocks : make())
            {
                for (int round = 0; round < RehearsalRounds; round++)
                {
                    for (int i = 0; i < Rehearsals; i++)
                    {
                        _ = Measure(blocks, live.AsSpan(0, RehearsedBlocks));
                    }

                    if (!TBlocks.IsOneForAll)
                    {
                        _ = Measure(other, live.AsSpan(0, BlocksElsewhere));
                    }

                    Rounds.LetCompile();
                }
            }

            GiveBackUnused();
            return Measure(blocks, live);
        }

        /// <summary>What the other heap leaves behind is touched memory, which the measured one must not get.</summary>
        private static void GiveBackUnused()
        {
            nuint limit = MemoryBudget.Default.Limit;
            MemoryBudget.Default.Limit = 1;
            MemoryBudget.Default.Limit = limit;
        }

        private static ScatterCosts Measure<TBlocks, TBlock>(TBlocks blocks, Span<TBlock> live)
            where TBlocks : struct, IBlocks<TBlocks, TBlock>
            where TBlock : struct, IBlock
        {
            bool counts = live.Length == Blocks;
            long before = counts ? ResidentMemory.Measure() : 0;
            long begin = ThreadClock.Now();
            for (int done = 0; done < live.Length; done += ChunkLength)
            {
                BlockLoops.Fill<TBlocks, TBlock>(blocks, live.Slice(done, ChunkLength), Size);
            }

            long filling = ThreadClock.Now() - begin;
            long grown = counts ? ResidentMemory.Measure() - before : 0;
            Shuffle(live);
            begin = ThreadClock.Now();
            for (int done = 0; done < live.Length; done += ChunkLength)
            {
                BlockLoops.Free<TBlocks, TBlock>(blocks, live.Slice(done, ChunkLength));
            }

            long freeing = ThreadClock.Now() - begin;
            return new ScatterCosts((filling + freeing) / (double)live.Length, grown / (double)live.Length);
        }

        private static void Shuffle<TBlock>(Span<TBlock> live)
        {
            var random = new Xorshift64(Xorshift64.DefaultSeed);
            for (int i = live.Length - 1; i > 0; i--)
            {
                int other = random.Index(i + 1);
                (live[i], live[other]) = (live[other], live[i]);
            }
        }
    }
}
