using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Blocks;
using Vmem.Benchmarks.Measurement;

namespace Vmem.Benchmarks.Studies;

/// <summary>How the blocks of a space are freed.</summary>
internal enum Deletion
{
    /// <summary>All at once, by disposing of the space.</summary>
    Whole,

    /// <summary>One by one, in the order of their allocation, which is the kindest.</summary>
    Each,
}

/// <summary>The life of a space, in microseconds.</summary>
/// <param name="FirstFill">Making the first space of a new stock and allocating all its blocks: memory never touched before.</param>
/// <param name="Fill">The same of a later one, which gets memory that another space has written to.</param>
/// <param name="Delete">Freeing the blocks of a later one.</param>
/// <param name="Whole">Fill and deletion of a later one.</param>
/// <param name="ManagedBytes">Managed memory that the life of a later one allocates.</param>
internal readonly record struct DeletionTimes(double FirstFill, double Fill, double Delete, double Whole, double ManagedBytes);

/// <summary>One turn of one allocator: again and again a space is made, filled with blocks whose first word is written, and deleted.
/// Medians of all but the first.</summary>
internal sealed class DeletionExperiment(Deletion deletion, int blocks, nuint size) : IBlockExperiment<DeletionTimes>
{
    private const int Lives = 9;
    private const int ChunkLength = 1_000;

    // Making and deleting a space happen too seldom to become hot in the turn itself.
    private const int RehearsedLives = 40;
    private const int RehearsedBlocks = 2 * ChunkLength;

    public DeletionTimes Run<TBlocks, TBlock>(Func<TBlocks> make)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        Rehearse<TBlocks, TBlock>(make);
        using TBlocks stock = make();
        var live = new TBlock[blocks];
        // Its page faults are not the allocator's.
        Array.Fill(live, default);
        // What the tables of stocks may have started in the background shall not run on.
        GC.Collect();
        double firstFill = Live<TBlocks, TBlock>(stock, live).Fill;
        OneLife[] lives = [.. Enumerable.Range(0, Lives).Select(_ => Live<TBlocks, TBlock>(stock, live))];
        return new DeletionTimes(
            firstFill,
            Rounds.Median(lives, life => life.Fill),
            Rounds.Median(lives, life => life.Delete),
            Rounds.Median(lives, life => life.Fill + life.Delete),
            Rounds.Median(lives, life => life.ManagedBytes));
    }

    private void Rehearse<TBlocks, TBlock>(Func<TBlocks> make)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        using TBlocks stock = make();
        var live = new TBlock[RehearsedBlocks];
        for (int i = 0; i < RehearsedLives; i++)
        {
            _ = Live<TBlocks, TBlock>(stock, live);
        }
    }

    private OneLife Live<TBlocks, TBlock>(TBlocks stock, TBlock[] live)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        long bytes = GC.GetAllocatedBytesForCurrentThread();
        long begin = Stopwatch.GetTimestamp();
        TBlocks space = stock.MakeSpace();
        Fill<TBlocks, TBlock>(space, live);
        long filled = Stopwatch.GetTimestamp();
        long deleted;
        if (deletion == Deletion.Each)
        {
            FreeEach<TBlocks, TBlock>(space, live);
            deleted = Stopwatch.GetTimestamp();
            space.Dispose();
        }
        else
        {
            space.Dispose();
            deleted = Stopwatch.GetTimestamp();
        }

        bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
        return new OneLife(Clock.Nanoseconds(filled - begin) / 1e3, Clock.Nanoseconds(deleted - filled) / 1e3, bytes);
    }

    private void Fill<TBlocks, TBlock>(TBlocks space, TBlock[] live)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        for (int done = 0; done < live.Length; done += ChunkLength)
        {
            BlockLoops.Fill<TBlocks, TBlock>(space, live.AsSpan(done, Math.Min(ChunkLength, live.Length - done)), size);
        }
    }

    private static void FreeEach<TBlocks, TBlock>(TBlocks space, TBlock[] live)
        where TBlocks : struct, IBlocks<TBlocks, TBlock>
        where TBlock : struct, IBlock
    {
        for (int done = 0; done < live.Length; done += ChunkLength)
        {
            BlockLoops.Free<TBlocks, TBlock>(space, live.AsSpan(done, Math.Min(ChunkLength, live.Length - done)));
        }
    }

    private readonly record struct OneLife(double Fill, double Delete, long ManagedBytes);
}
