using System.Diagnostics;
using Vmem.Leasing;

namespace Vmem.Benchmarks.Studies;

/// <summary>An arena of leased spans in a file, with a journal or without.</summary>
internal sealed class LeasedPairs : IDisposable
{
    private const int Batch = 1024;

    private readonly string _folder = Directory.CreateTempSubdirectory("vmem-study-").FullName;
    private readonly bool _isNoted;
    private SqliteLeaseStore _store;
    private LeaseSession _session;
    private LeasedArena<ulong> _arena;

    public LeasedPairs(bool isNoted)
    {
        _isNoted = isNoted;
        (_store, _session, _arena) = Open();
    }

    /// <summary>Nanoseconds of an allocation and a free, a thousand ranges being live.</summary>
    public double Pair(double seconds)
    {
        Queue<LeasedRange<ulong>> live = new(Batch);
        while (live.Count < Batch)
        {
            live.Enqueue(_arena.AllocateAsync(4).AsTask().GetAwaiter().GetResult());
        }

        long begin = Stopwatch.GetTimestamp();
        long done = 0;
        for (; Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds; done += Batch)
        {
            for (int i = 0; i < Batch; i++)
            {
                _arena.TryFree(live.Dequeue(), clean: true);
                if (!_arena.TryAllocate(4, out LeasedRange<ulong> range))
                {
                    throw new InvalidOperationException("What was freed could not be allocated.");
                }

                live.Enqueue(range);
            }
        }

        double nanoseconds = Stopwatch.GetElapsedTime(begin).TotalNanoseconds / done;
        foreach (LeasedRange<ulong> range in live)
        {
            _arena.Free(range, clean: true);
        }

        return nanoseconds;
    }

    /// <summary>Allocates so many, one of every two places, closes, and opens again.</summary>
    /// <returns>How long the opening took, the store's included; and what it found.</returns>
    public (double Seconds, int Found) Recover(int count)
    {
        List<LeasedRange<ulong>> all = [];
        for (int i = 0; i < 2 * count; i++)
        {
            all.Add(_arena.AllocateAsync(4).AsTask().GetAwaiter().GetResult());
        }

        for (int i = 0; i < all.Count; i += 2)
        {
            _arena.Free(all[i], clean: true);
        }

        Close();
        long begin = Stopwatch.GetTimestamp();
        (_store, _session, _arena) = Open();
        return (Stopwatch.GetElapsedTime(begin).TotalSeconds, _arena.Adopted.Count);
    }

    public void Dispose()
    {
        Close();
        Directory.Delete(_folder, recursive: true);
    }

    private (SqliteLeaseStore Store, LeaseSession Session, LeasedArena<ulong> Arena) Open()
    {
        var store = new SqliteLeaseStore(Path.Combine(_folder, "leases.db"));
        LeaseSession session = LeaseSession.OpenAsync(store, new() { Name = "study" }).GetAwaiter().GetResult();
        LeasedArenaOptions<ulong> options = new()
        {
            SpanSize = 1 << 20,
            Definition = new() { Size = 1UL << 40 },
            JournalPath = _isNoted ? Path.Combine(_folder, "journal") : null,
        };
        return (store, session, LeasedArena<ulong>.OpenAsync(session, "ranges", options).GetAwaiter().GetResult());
    }

    private void Close()
    {
        _session.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _store.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
