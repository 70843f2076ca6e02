using System.Diagnostics;
using Vmem.Leasing;

namespace Vmem.Benchmarks.Studies;

/// <summary>Hands out IDs, one after the other.</summary>
internal interface IIds : IDisposable
{
    /// <summary>How many a second.</summary>
    Task<double> RunAsync(double seconds);
}

/// <summary>From leased spans, kept in a file.</summary>
internal sealed class LeasedIds : IIds
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vmem-study-").FullName;
    private readonly SqliteLeaseStore _store;
    private readonly LeaseSession _session;
    private readonly LeasedArena<ulong> _arena;

    public LeasedIds(ulong span)
    {
        _store = new SqliteLeaseStore(Path.Combine(_folder, "leases.db"));
        _session = LeaseSession.OpenAsync(_store).GetAwaiter().GetResult();
        LeasedArenaOptions<ulong> options = new() { SpanSize = span, Definition = new() { Size = 1UL << 40 } };
        _arena = LeasedArena<ulong>.OpenAsync(_session, "ids", options).GetAwaiter().GetResult();
    }

    public async Task<double> RunAsync(double seconds)
    {
        long begin = Stopwatch.GetTimestamp();
        long done = 0;
        while (Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds)
        {
            for (int i = 0; i < 256; i++)
            {
                await _arena.AllocateAsync(1);
            }

            done += 256;
        }

        return done / Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    public void Dispose()
    {
        _session.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _store.DisposeAsync().AsTask().GetAwaiter().GetResult();
        Directory.Delete(_folder, recursive: true);
    }
}

/// <summary>From an arena without a source.</summary>
internal sealed class PlainIds : IIds
{
    private readonly Arena<ulong> _arena = new("ids", 0, 1UL << 40, 1);

    public async Task<double> RunAsync(double seconds)
    {
        long begin = Stopwatch.GetTimestamp();
        long done = 0;
        while (Stopwatch.GetElapsedTime(begin).TotalSeconds < seconds)
        {
            for (int i = 0; i < 256; i++)
            {
                await _arena.AllocateAsync(1);
            }

            done += 256;
        }

        return done / Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }

    public void Dispose() => _arena.Dispose();
}
