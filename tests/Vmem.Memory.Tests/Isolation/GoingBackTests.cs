using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Marks, resets and cleanups: many blocks freed at once.</summary>
public unsafe class GoingBackTests
{
    private const int BlockSize = 4_096;

    /// <summary>Against a list of blocks with the number of marks that were set, by seed: allocations of all sizes, frees, resizes, marks,
    /// releases of any mark, resets, with another client beside.</summary>
    [Theory]
    [InlineData(MemoryContextFeatures.None)]
    [InlineData(MemoryContextFeatures.Synchronized)]
    [InlineData(MemoryContextFeatures.Synchronized | MemoryContextFeatures.ZeroOnFree)]
    [InlineData(MemoryContextFeatures.GuardBytes)]
    [InlineData(MemoryContextFeatures.PoisonOnFree)]
    [InlineData(MemoryContextFeatures.ZeroOnAllocate | MemoryContextFeatures.ZeroOnHandOver)]
    public void What_came_since_a_mark_goes_and_nothing_else(MemoryContextFeatures features)
    {
        for (int seed = 0; seed < Night.Scaled(20); seed++)
        {
            Random random = new(seed);
            using MemoryContext context = new(128 * BlockSize, new MemoryContextOptions { BlockSize = BlockSize, Features = features });
            using MemoryClient client = context.CreateClient("client");
            using MemoryClient other = context.CreateClient("other");
            List<Piece> live = [];
            List<Piece> others = [];
            List<MemoryMark> marks = [];
            for (int step = 0; step < 1_500; step++)
            {
                int size = random.Next(10) == 0 ? random.Next(3 * BlockSize) : random.Next(200);
                switch (random.Next(100))
                {
                    case < 45 when client.TryAllocate((nuint)size, out void* block):
                        live.Add(Piece.Write(block, size, marks.Count));
                        break;
                    case < 75 when live.Count > 0:
                        Piece freed = Take(live, random);
                        freed.Check();
                        client.Free(freed.Block);
                        break;
                    case < 82 when live.Count > 0:
                        Piece old = Take(live, random);
                        old.Check();
                        bool isThere = client.TryReallocate(old.Block, (nuint)size, out void* moved);
                        live.Add(isThere ? Piece.Write(moved, size, moved == old.Block ? old.Marks : marks.Count) : old);
                        break;
                    case < 88 when other.TryAllocate((nuint)size, out void* its):
                        others.Add(Piece.Write(its, size, 0));
                        break;
                    case < 92 when others.Count > 0:
                        other.Free(Take(others, random).Block);
                        break;
                    case < 95:
                        marks.Add(client.Mark());
                        break;
                    case < 99 when marks.Count > 0:
                        int place = random.Next(marks.Count);
                        MemoryMark released = marks[place];
                        client.Release(released);
                        Assert.Throws<ArgumentException>(() => client.Release(released));
                        marks.RemoveRange(place, marks.Count - place);
                        AssertGone(client, live.FirstOrDefault(piece => piece.Marks > place));
                        live.RemoveAll(piece => piece.Marks > place);
                        break;
                    case 99 when random.Next(5) == 0:
                        client.Reset();
                        AssertGone(client, live.FirstOrDefault());
                        live.Clear();
                        marks.Clear();
                        Assert.Equal((nuint)0, client.Held);
                        break;
                }

                Assert.Equal(live.Count, client.GetStatistics().LiveBlocks);
                if (step % 10 == 0)
                {
                    live.ForEach(piece => piece.Check());
                    others.ForEach(piece => piece.Check());
                    context.Validate();
                }
            }

            client.Reset();
            Assert.Equal((nuint)0, client.InUse);
            others.ForEach(piece => piece.Check());
            context.Validate();
        }
    }

    [Fact]
    public void A_mark_is_its_clients_and_ends_with_a_reset()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        using MemoryClient other = context.CreateClient("other");
        using MemoryContext stranger = Create();
        MemoryMark mark = client.Mark();
        MemoryClient twin = stranger.CreateClient("client");
        _ = twin.Mark();
        Assert.Throws<ArgumentException>(() => twin.Release(mark));
        ArgumentException refusal = Assert.Throws<ArgumentException>(() => other.Release(mark));
        Assert.Contains("'other'", refusal.Message);
        Assert.Throws<ArgumentException>(() => client.Release(default));
        client.Reset();
        Assert.Throws<ArgumentException>(() => client.Release(mark));
        MemoryMark next = client.Mark();
        Assert.NotEqual(mark, next);
        client.Release(next);
        client.Dispose();
        Assert.Throws<ObjectDisposedException>(() => client.Mark());
        Assert.Throws<ObjectDisposedException>(client.Reset);
        Assert.Throws<ObjectDisposedException>(() => client.Release(next));
    }

    /// <summary>A cleanup goes back further, and what it does then is not undone by the one it came from.</summary>
    [Fact]
    public void Going_back_further_from_a_cleanup_ends_the_going_back()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        MemoryMark first = client.Mark();
        client.Allocate(100);
        MemoryMark second = client.Mark();
        client.Allocate(100);
        byte* kept = null;
        client.RegisterCleanup(() =>
        {
            client.Release(first);
            client.Mark();
            client.Mark();
            kept = (byte*)client.Allocate(100);
        });
        client.Release(second);
        Assert.True(client.Owns(kept));
        Assert.Equal((1, (nuint)128), (client.GetStatistics().LiveBlocks, client.InUse));
        context.Validate();
        client.RegisterCleanup(client.Reset);
        client.Reset();
        Assert.Equal((nuint)0, client.InUse);
        client.RegisterCleanup(client.Dispose);
        client.Dispose();
        context.Validate();
    }

    /// <summary>A memory that was rented before the client went back says that it is gone, and its owner frees nobody's block.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_owner_ends_when_its_client_goes_back(bool resets)
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        using System.Buffers.IMemoryOwner<byte> before = client.Rent<byte>(100);
        MemoryMark mark = client.Mark();
        System.Buffers.IMemoryOwner<byte> since = client.Rent<byte>(100);
        Memory<byte> memory = since.Memory;
        if (resets)
        {
            client.Reset();
            Assert.Throws<ObjectDisposedException>(() => before.Memory.Span.Length);
        }
        else
        {
            client.Release(mark);
            before.Memory.Span.Clear();
        }

        void* next = client.Allocate(100);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        since.Dispose();
        Assert.True(client.Owns(next));
    }

    /// <summary>A region that is kept though it is empty is not the one that a mark seals.</summary>
    [Fact]
    public void A_mark_keeps_no_empty_region()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        client.Free(client.Allocate(100));
        client.Mark();
        long before = client.GetStatistics().RegionsTaken;
        for (int i = 0; i < 1_000; i++)
        {
            client.Free(client.Allocate(100));
        }

        Assert.Equal(before + 1, client.GetStatistics().RegionsTaken);
    }

    [Fact]
    public void A_context_ends_whatever_its_clients_cleanups_do()
    {
        MemoryContext context = Create();
        MemoryClient bad = context.CreateClient("bad");
        MemoryClient other = context.CreateClient("other");
        other.Allocate(100);
        bad.RegisterCleanup(() => throw new InvalidOperationException("of the test"));
        Assert.Throws<InvalidOperationException>(context.Dispose);
        Assert.Equal((true, true), (bad.IsDisposed, other.IsDisposed));
        Assert.Equal((0L, context.Size), (context.GetStatistics().Clients, context.GetStatistics().Free));

        context = Create();
        bad = context.CreateClient("bad");
        bad.Allocate(100);
        bad.RegisterCleanup(context.Dispose);
        bad.Dispose();
        Assert.True(bad.IsDisposed);
        Assert.Equal(context.Size, context.GetStatistics().Free);
        Assert.Throws<ObjectDisposedException>(() => context.CreateClient("late"));
    }

    /// <summary>Rounds of work make no managed garbage, and cost no more regions than the round needs.</summary>
    [Fact]
    public void A_round_costs_no_garbage()
    {
        using MemoryContext context = Create();
        using MemoryClient client = context.CreateClient("client");
        Assert.Equal(0, Vmem.Testing.Internals.Garbage.Of(300, () =>
        {
            MemoryMark mark = client.Mark();
            for (int i = 0; i < 100; i++)
            {
                client.Allocate(100);
            }

            client.Release(mark);
            client.Allocate(100);
            client.Reset();
        }));
        Assert.Equal((nuint)0, context.GetStatistics().InUse);
    }

    [Fact]
    public void Cleanups_run_once_the_latest_first_while_the_memory_is_there()
    {
        using MemoryContext context = Create();
        MemoryClient client = context.CreateClient("client");
        List<string> run = [];
        int* block = (int*)client.Allocate(4);
        *block = 7;
        client.RegisterCleanup(() => run.Add($"first {*block}"));
        MemoryMark mark = client.Mark();
        client.RegisterCleanup(() => run.Add("second"));
        client.RegisterCleanup(() =>
        {
            run.Add("third");
            client.Free(client.Allocate(10));
            client.RegisterCleanup(() => run.Add("from inside"));
        });
        client.Release(mark);
        Assert.Equal(["third", "from inside", "second"], run);
        client.Release(client.Mark());
        Assert.Equal(3, run.Count);
        client.Dispose();
        client.Dispose();
        Assert.Equal(["third", "from inside", "second", "first 7"], run);
        Assert.Throws<ObjectDisposedException>(() => client.RegisterCleanup(() => { }));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_a_cleanup_throws_comes_when_all_else_is_done(bool disposes)
    {
        using MemoryContext context = Create();
        MemoryClient client = context.CreateClient("client");
        client.Allocate(100);
        bool ran = false;
        client.RegisterCleanup(() => ran = true);
        client.RegisterCleanup(() => throw new InvalidOperationException("second"));
        client.RegisterCleanup(() => throw new InvalidOperationException("first"));
        Action end = disposes ? client.Dispose : client.Reset;
        Assert.Equal("first", Assert.Throws<InvalidOperationException>(end).Message);
        Assert.True(ran);
        Assert.Equal((nuint)0, context.GetStatistics().InUse);
        Assert.Equal(disposes, client.IsDisposed);
        client.Dispose();
    }

    private static MemoryContext Create() => new(64 * BlockSize, new MemoryContextOptions { BlockSize = BlockSize });

    private static Piece Take(List<Piece> pieces, Random random)
    {
        int place = random.Next(pieces.Count);
        Piece piece = pieces[place];
        pieces[place] = pieces[^1];
        pieces.RemoveAt(pieces.Count - 1);
        return piece;
    }

    private static void AssertGone(MemoryClient client, Piece? piece)
    {
        if (piece is not null)
        {
            Assert.False(client.Owns(piece.Block));
            Assert.Throws<InvalidFreeException>(() => client.Free(piece.Block));
        }
    }

    private sealed class Piece(nint block, int size, int marks)
    {
        public void* Block => (void*)block;

        /// <summary>How many marks were set when it was allocated.</summary>
        public int Marks => marks;

        private byte Pattern => (byte)(block >> 4 ^ size);

        public static Piece Write(void* block, int size, int marks)
        {
            Piece piece = new((nint)block, size, marks);
            new Span<byte>(block, size).Fill(piece.Pattern);
            return piece;
        }

        public void Check() => Assert.Equal(-1, new ReadOnlySpan<byte>(Block, size).IndexOfAnyExcept(Pattern));
    }
}
