using Vmem.Leasing.Journals;
using Vmem.Leasing.Tests.Fakes;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>Exact mode on a disk that fails, and goes on failing.</summary>
public sealed class BrokenDiskTests : LeasedArenaFixture
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_end_is_one_all_the_same_and_keeps_what_is_allocated(bool isDenied)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("vmem-broken-");
        try
        {
            string path = Path.Combine(folder.FullName, "ranges");
            bool isBroken = false;
            Processes.Network.Legacy = static _ => new([]);
            LeaseSession session = await LeaseSession.OpenAsync(Processes.Network, Processes.Options with { Name = "one" }, Token);
            LeasedArenaOptions<ulong> options = Fleet.Ids() with
            {
                JournalPath = path,
                FlushToDisk = _ =>
                {
                    if (isBroken)
                    {
                        throw isDenied ? new UnauthorizedAccessException("broken") : new IOException("broken");
                    }
                },
            };
            LeasedArena<ulong> arena = await OpenAsync(session, options);
            WorkerId worker = await WorkerId.LeaseAsync(session, "workers", 2, Token);
            LeasedRange<ulong> range = await arena.AllocateAsync(4, default, Token);
            await arena.FlushAsync(Token);
            isBroken = true;
            for (ulong flushes = 1; flushes <= 2; flushes++)          // both files are in doubt, and one of them was flushed
            {
                Assert.True(arena.TryAllocate(1, out _));
                await Assert.ThrowsAnyAsync<Exception>(() => arena.FlushAsync(Token));
            }

            List<string> calls = [];
            Processes.Network.Fate = name =>
            {
                calls.Add(name);
                return CallFate.Answered;
            };
            await session.DisposeAsync();
            Assert.Equal(["release", "close"], calls);                // the worker's, and not that of the span
            Assert.Equal((LeaseState.Lost, false), (session.State, worker.IsValid));
            Assert.Contains(Processes.Faults, fault => fault.Message.Contains("broken", StringComparison.Ordinal));
            Assert.Equal(0, Processes.Time.Timers);
            using JournalRecovery<ulong> left = JournalRecovery<ulong>.Read(RangeJournal<ulong>.PathsOf(path),
                JournalHash.Of($"ids {nameof(UInt64)} 1"));           // nobody else has the files open
            Assert.Contains(left.Live.Notes.ToArray(), note => note.Start == range.Start && note.Size == range.Size);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
