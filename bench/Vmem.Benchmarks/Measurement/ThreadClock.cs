using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Vmem.Benchmarks.Measurement;

/// <summary>
/// The processor time of the calling thread, in nanoseconds. On a shared machine the longest wall-clock interval belongs to the scheduler,
/// which takes the processor away for milliseconds; this clock stands still meanwhile. What it still counts besides the program: page
/// faults, interrupts, and what a hypervisor takes away.
/// </summary>
/// <remarks>Only Linux offers it with nanosecond resolution at the price of a system call; elsewhere this is the wall clock, and
/// <see cref="IsProcessorTime"/> says so.</remarks>
internal static partial class ThreadClock
{
    private const int ThreadProcessorTime = 3;

    private struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }

    public static bool IsProcessorTime { get; } = OperatingSystem.IsLinux();

    public static long Now()
    {
        if (IsProcessorTime && Read(ThreadProcessorTime, out TimeSpec time) == 0)
        {
            return (time.Seconds * 1_000_000_000L) + time.Nanoseconds;
        }
        return (long)Clock.Nanoseconds(Stopwatch.GetTimestamp());
    }

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    [SuppressGCTransition]
    private static partial int Read(int clock, out TimeSpec time);
}
