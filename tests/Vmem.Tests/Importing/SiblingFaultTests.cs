using Vmem.Checks;
using Vmem.Testing.Generation;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>Siblings that ask each other at once, that have ended, or stand on a source that throws.</summary>
public class SiblingFaultTests
{
    /// <summary>Threads that fail all the time ask each other for what they keep; nobody fails while enough is kept by nobody.</summary>
    [Fact]
    public void Many_that_ask_each_other_at_once_neither_hang_nor_lose_anything()
    {
        using Arena<uint> ground = new("ground", 0, 256, 1);
        ArenaOptions<uint> onGround = new() { Source = ground };
        Arena<uint>[] middle = [.. Enumerable.Range(0, 2).Select(_ => new Arena<uint>("middle", 1, onGround))];
        Arena<uint>[] tops = [.. Enumerable.Range(0, 4).Select(index => new Arena<uint>("top", 1,
            new ArenaOptions<uint> { Source = middle[index % 2], QuantumCacheMax = index < 2 ? 4u : 0 }))];
        long failed = 0;
        Parallel.For(0, 4, new ParallelOptions { MaxDegreeOfParallelism = 4 }, index =>
        {
            // Together they hold at most all there is, in pieces that fit wherever they lie.
            for (int round = 0; round < Night.Scaled(300); round++)
            {
                List<uint> held = [];
                while (held.Count < 64 && tops[index].TryAllocate(1, out uint start))
                {
                    held.Add(start);
                }

                _ = held.Count < 64 ? Interlocked.Increment(ref failed) : 0;
                held.ForEach(start => tops[index].Free(start, 1));
            }
        });
        Assert.Equal(0, failed);
        Array.ForEach(tops, arena => arena.Validate());
        Array.ForEach(middle, arena => arena.Validate());
        Assert.Equal(0u, ground.Allocate(256));
        Validate(ground);
        Array.ForEach(tops, arena => arena.Dispose());
        Array.ForEach(middle, arena => arena.Dispose());
    }

    /// <summary>What would hang if the list of siblings held on to those that were disposed.</summary>
    [Fact]
    public void A_sibling_that_was_disposed_is_not_asked()
    {
        using Arena<uint> pool = new("pool", 0, 100, 1);
        for (int i = 0; i < 1_000; i++)
        {
            using Arena<uint> brief = new("brief", 1, new ArenaOptions<uint> { Source = pool });
            brief.Free(brief.Allocate(1), 1);
        }

        _ = StepCounter.Take();
        Assert.False(pool.TryAllocate(101, out _));
        Assert.InRange(StepCounter.Take(), 1, 10);
    }

    /// <summary>The source below is none of ours: it is called when all arenas are done.</summary>
    [Fact]
    public void A_foreign_ground_that_throws_when_it_gets_something_back_harms_nobody()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 1_000u);
        using Arena<uint> middle = new("middle", 1, new ArenaOptions<uint> { Source = source, Limit = 20 });
        using Arena<uint> a = new("a", 1, new ArenaOptions<uint> { Source = middle });
        using Arena<uint> b = new("b", 1, new ArenaOptions<uint> { Source = middle });
        a.Free(a.Allocate(10), 10);
        source.OnRelease = (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        Assert.Throws<TimeZoneNotFoundException>(() => b.TryAllocate(20, out _));
        source.OnRelease = null;
        Assert.True(b.TryAllocate(20, out _));
        Assert.Equal((uint)source.Outstanding.Sum(range => range.Size), middle.GetStatistics().Imported);
        Validate(a, b, middle);
    }

    private static void Validate(params Arena<uint>[] arenas) => Array.ForEach(arenas, arena => arena.Validate());
}
