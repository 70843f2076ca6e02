using System.IO.MemoryMappedFiles;
using Vmem.Leasing.Sqlite.Tests.Processes;

namespace Vmem.Leasing.Sqlite.Tests;

/// <summary>Durable arenas with a journal: after a restart the program has exactly the ranges that it had.</summary>
public sealed class ExactArenaTests : IDisposable
{
    private const uint Units = 4096;

    /// <summary>The children's threads; each may have one operation under way when it is killed.</summary>
    private const int Threads = 2;

    private static readonly LeaseSessionOptions s_named = new() { Owner = "tests", Name = "blocks", Ttl = TimeSpan.FromMinutes(5) };

    private readonly TempFile _file = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task After_a_clean_stop_every_range_is_there_again_and_nothing_else()
    {
        List<LeasedRange<uint>> held = [];
        Random random = new(1);
        for (int life = 0; life < 4; life++)
        {
            await using var store = new SqliteLeaseStore(_file.Path);
            await using LeaseSession session = await LeaseSession.OpenAsync(store, s_named, Token);
            LeasedArena<uint> arena = await OpenAsync(session, _file.Folder);
            Assert.Equal(held.OrderBy(range => range.Start).Select(range => (range.Start, range.Size)),
                arena.Adopted.Select(range => (range.Start, range.Size)));
            Assert.All(arena.Adopted, range => Assert.Contains(arena.Inherited, span =>
                span.Fence == range.Fence && range.Start - span.Start < span.Size));
            held = [.. arena.Adopted];
            for (int i = 0; i < 1000; i++)
            {
                int place = random.Next(held.Count + 1);
                if (random.Next(2) == 0 && place < held.Count)
                {
                    arena.Free(held[place], clean: true);
                    held.RemoveAt(place);
                }
                else if (held.Count < 100)
                {
                    held.Add(await arena.AllocateAsync((uint)random.Next(1, 9), default, Token));
                }
            }

            await arena.FlushAsync(Token);
            arena.Arena.Validate();
            Assert.Empty(await store.ValidateAsync(1, Token));
        }
    }

    /// <summary>The children note in a mapped file of their own what they hold: before they free, and after they were given.</summary>
    [Fact]
    public async Task A_process_that_is_killed_at_any_point_leaves_exactly_what_it_held()
    {
        using MemoryMappedFile mapped = Ledger(_file.Folder);
        using MemoryMappedViewAccessor ledger = mapped.CreateViewAccessor();
        Random random = new(2);
        bool hadSome = false;
        for (int death = 0; death < 8; death++)
        {
            using (Child child = Child.Start(typeof(ExactArenaTests), nameof(Holder), _file.Folder))
            {
                await child.ReadAsync(Token);
                long until = ledger.ReadInt64(0) + random.Next(60_000);
                while (ledger.ReadInt64(0) < until)
                {
                    await Task.Delay(1, Token);                // it counts its operations
                }

                child.Kill();
            }

            await using var store = new SqliteLeaseStore(_file.Path);
            await using LeaseSession session = await LeaseSession.OpenAsync(store, s_named, Token);
            LeasedArena<uint> arena = await OpenAsync(session, _file.Folder);
            var adopted = arena.Adopted.ToDictionary(range => range.Start, range => range.Size);
            hadSome |= adopted.Count > 0;
            int unknown = 0;
            for (uint start = 0; start < Units; start++)
            {
                byte noted = ledger.ReadByte(8 + start);
                uint size = adopted.GetValueOrDefault(start);
                Assert.True(noted is 0 or > 128 || size == noted, $"death {death}: {noted} at {start} were handed out, and {size} adopted");
                Assert.True(noted <= 128 || size == 0 || size == noted - 128u);
                unknown += noted == 0 && size != 0 ? 1 : 0;
            }

            Assert.InRange(unknown, 0, Threads);               // given, and not yet noted
            arena.Arena.Validate();
            Assert.Empty(await store.ValidateAsync(1, Token));
        }

        Assert.True(hadSome);
    }

    /// <summary>A span that somebody took away while the program was not there is missing, and so are its ranges.</summary>
    [Fact]
    public async Task Ranges_of_a_span_that_was_taken_away_are_not_adopted()
    {
        LeasedRange<uint> gone, kept;
        await using (var store = new SqliteLeaseStore(_file.Path))
        await using (LeaseSession session = await LeaseSession.OpenAsync(store, s_named, Token))
        {
            LeasedArena<uint> arena = await OpenAsync(session, _file.Folder);
            gone = await arena.AllocateAsync(1024, default, Token);
            kept = await arena.AllocateAsync(3, default, Token);
        }

        await using var again = new SqliteLeaseStore(_file.Path);
        LeaseExtent taken = (await again.ListAsync(1, Token)).Single(
            extent => extent.State == LeaseExtentState.Leased && extent.Fence == gone.Fence);
        Assert.True(await again.ReleaseAsync(
            new LeaseClaim(1, taken.Session, taken.Start, taken.Size, taken.Fence, Guid.Empty), clean: true, null, Token));
        await using LeaseSession heir = await LeaseSession.OpenAsync(again, s_named, Token);
        LeasedArena<uint> rest = await OpenAsync(heir, _file.Folder);
        Assert.Equal((kept.Start, kept.Size), Assert.Single(rest.Adopted.Select(range => (range.Start, range.Size))));
    }

    [Fact]
    public async Task A_journal_that_cannot_be_used_leaves_what_was_inherited_to_the_next()
    {
        string journal = Path.Combine(_file.Folder, "blocks.journal");
        LeasedRange<uint> range;
        await using (var store = new SqliteLeaseStore(_file.Path))
        await using (LeaseSession session = await LeaseSession.OpenAsync(store, s_named, Token))
        {
            range = await (await OpenAsync(session, _file.Folder)).AllocateAsync(3, default, Token);
        }

        await using var again = new SqliteLeaseStore(_file.Path);
        await using LeaseSession heir = await LeaseSession.OpenAsync(again, s_named, Token);
        File.Move(journal, journal + ".away");
        await File.WriteAllTextAsync(journal, "the notes of somebody else, which are longer than the header of a journal is: 64 bytes", Token);
        LeaseJournalException fault = await Assert.ThrowsAsync<LeaseJournalException>(() => OpenAsync(heir, _file.Folder));
        Assert.Contains("is no journal of ranges", fault.Message, StringComparison.Ordinal);
        File.Move(journal + ".away", journal, overwrite: true);
        LeasedArena<uint> arena = await OpenAsync(heir, _file.Folder);
        Assert.Equal((range.Start, range.Size), Assert.Single(arena.Adopted.Select(known => (known.Start, known.Size))));
    }

    [Fact]
    public async Task Without_a_name_a_journal_is_refused_and_without_a_journal_a_flush()
    {
        await using var store = new SqliteLeaseStore(_file.Path);
        await using LeaseSession session = await LeaseSession.OpenAsync(store, s_named with { Name = null }, Token);
        ArgumentException refused = await Assert.ThrowsAsync<ArgumentException>(() => OpenAsync(session, _file.Folder));
        Assert.Contains("LeaseSessionOptions.Name", refused.Message, StringComparison.Ordinal);
        LeasedArena<uint> plain = await LeasedArena<uint>.OpenAsync(session, "blocks", new() { Definition = new() { Size = Units } }, Token);
        InvalidOperationException none = await Assert.ThrowsAsync<InvalidOperationException>(() => plain.FlushAsync(Token));
        Assert.Contains("JournalPath", none.Message, StringComparison.Ordinal);
        Assert.Empty(plain.Adopted);
    }

    /// <summary>Two spellings of one range, a free twice, a free of nothing: as without a journal.</summary>
    [Fact]
    public async Task Wrong_frees_are_refused_and_are_no_frees_after_a_restart()
    {
        LeasedRange<uint> range;
        await using (var store = new SqliteLeaseStore(_file.Path))
        await using (LeaseSession session = await LeaseSession.OpenAsync(store, s_named, Token))
        {
            LeasedArena<uint> arena = await OpenAsync(session, _file.Folder);
            range = await arena.AllocateAsync(4, default, Token);
            LeasedRange<uint> freed = await arena.AllocateAsync(4, default, Token);
            Assert.True(arena.TryFree(freed));
            Assert.False(arena.TryFree(freed));
            Assert.False(arena.TryFree(range with { Size = 3 }));
            Assert.False(arena.TryFree(range with { Start = range.Start + 1 }));
            Assert.False(arena.TryFree(range with { Fence = range.Fence + 1 }));
        }

        await using var again = new SqliteLeaseStore(_file.Path);
        await using LeaseSession heir = await LeaseSession.OpenAsync(again, s_named, Token);
        LeasedArena<uint> rest = await OpenAsync(heir, _file.Folder);
        Assert.Equal((range.Start, range.Size), Assert.Single(rest.Adopted.Select(known => (known.Start, known.Size))));
    }

    /// <summary>Allocates and frees until it is killed.</summary>
    [Fact(Explicit = true)]
    public async Task Holder()
    {
        var store = new SqliteLeaseStore(Path.Combine(Child.Folder, "leases.db"));
        LeaseSession session = await LeaseSession.OpenAsync(store, s_named, Token);
        LeasedArena<uint> arena = await OpenAsync(session, Child.Folder);
        using MemoryMappedFile mapped = Ledger(Child.Folder);
        using MemoryMappedViewAccessor ledger = mapped.CreateViewAccessor();
        List<LeasedRange<uint>>[] held = [[], []];
        foreach (LeasedRange<uint> range in arena.Adopted)
        {
            ledger.Write(8 + range.Start, (byte)range.Size);
            held[0].Add(range);
        }

        for (uint start = 0; start < Units; start++)
        {
            if (ledger.ReadByte(8 + start) > 128)
            {
                ledger.Write(8 + start, (byte)0);              // it was freed when the last one was killed
            }
        }

        await Console.Out.WriteLineAsync($"{held[0].Count}");
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(() => Work(arena, ledger, held[thread], thread), Token)));
    }

    private static void Work(LeasedArena<uint> arena, MemoryMappedViewAccessor ledger, List<LeasedRange<uint>> held, int thread)
    {
        Random random = new();
        for (long count = 0; ; count++)
        {
            if (held.Count < 200 && random.Next(2) == 0 && arena.TryAllocate((uint)random.Next(1, 9), out LeasedRange<uint> range))
            {
                ledger.Write(8 + range.Start, (byte)range.Size);
                held.Add(range);
            }
            else if (held.Count > 0)
            {
                int place = random.Next(held.Count);
                range = held[place];
                (held[place], held[^1]) = (held[^1], range);
                held.RemoveAt(held.Count - 1);
                ledger.Write(8 + range.Start, (byte)(128 + range.Size));
                arena.Free(range, clean: true);

                // Another thread may have it already, and have noted it.
                Retract(ledger, 8 + range.Start, (byte)(128 + range.Size));
            }

            if (thread == 0)
            {
                ledger.Write(0, ledger.ReadInt64(0) + 1);
            }
        }
    }

    private static unsafe void Retract(MemoryMappedViewAccessor ledger, long place, byte noted)
    {
        byte* start = null;
        ledger.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        Interlocked.CompareExchange(ref start[ledger.PointerOffset + place], (byte)0, noted);
        ledger.SafeMemoryMappedViewHandle.ReleasePointer();
    }

    private static MemoryMappedFile Ledger(string folder)
    {
        FileStream file = new(Path.Combine(folder, "ledger"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        return MemoryMappedFile.CreateFromFile(file, null, 8 + Units, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, false);
    }

    private static Task<LeasedArena<uint>> OpenAsync(LeaseSession session, string folder) => LeasedArena<uint>.OpenAsync(session, "blocks",
        new() { SpanSize = 512, Stock = 1, JournalPath = Path.Combine(folder, "blocks.journal"), Definition = new() { Size = Units } }, Token);
}
