using System.Diagnostics;
using Vmem.Leasing;

namespace Vmem.Benchmarks.Studies;

/// <summary>A session that is looked at before each use, beside the clock that it reads.</summary>
internal sealed class HeldSession : IDisposable
{
    private const int Looks = 10_000_000;

    private readonly LeaseSession _session = LeaseSession.OpenAsync(new InMemoryLeaseStore()).GetAwaiter().GetResult();

    /// <summary>Nanoseconds of a look.</summary>
    public double Look()
    {
        long begin = Stopwatch.GetTimestamp();
        for (int i = 0; i < Looks; i++)
        {
            _session.ThrowIfInvalid();
        }

        return Stopwatch.GetElapsedTime(begin).TotalNanoseconds / Looks;
    }

    /// <summary>Nanoseconds of a read of the clock.</summary>
    public static double ReadClock()
    {
        long begin = Stopwatch.GetTimestamp();
        long last = begin;
        for (int i = 0; i < Looks; i++)
        {
            last = Stopwatch.GetTimestamp();
        }

        return Stopwatch.GetElapsedTime(begin, last).TotalNanoseconds / Looks;
    }

    public void Dispose() => _session.DisposeAsync().AsTask().GetAwaiter().GetResult();
}
