using System.Diagnostics;

namespace Vmem.Benchmarks.Seen;

/// <summary>What part of one processor this process uses.</summary>
internal static class ProcessorShare
{
    /// <summary>Sleeps for a while, and says what share of a processor all threads of the process have used meanwhile.</summary>
    public static double Measure(TimeSpan time)
    {
        using var self = Process.GetCurrentProcess();
        TimeSpan before = self.TotalProcessorTime;
        long begin = Stopwatch.GetTimestamp();
        Thread.Sleep(time);
        self.Refresh();
        return (self.TotalProcessorTime - before) / Stopwatch.GetElapsedTime(begin);
    }
}
