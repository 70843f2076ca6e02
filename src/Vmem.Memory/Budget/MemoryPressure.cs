using System.Globalization;
using Vmem.Checks;

namespace Vmem.Memory.Budget;

/// <summary>Whether the container or the machine is short of memory now, as Linux tells.</summary>
/// <remarks>
/// <para>
/// The runtime looks at its own collections (<see cref="Caching.UpkeepWheel"/>). A process whose memory is native may have none for hours,
/// and the kernel would take its pages meanwhile, or slow it down. Two things are asked: how near the group of the process is to its
/// <c>memory.high</c>, and how much of the last ten seconds a task waited for memory (pressure stall information), of the group if that is
/// told, else of the machine.
/// </para>
/// <para>
/// Asked at the ends of intervals, which are seconds apart. Rejected: a trigger, which the kernel would signal at once. It takes a thread
/// that waits for it.
/// </para>
/// </remarks>
/// <param name="root">Where <c>proc</c> and <c>sys</c> are.</param>
internal sealed class MemoryPressure(string root)
{
    /// <summary>The percentage of ten seconds in which somebody waited for memory, from which on it is short. Arbitrary.</summary>
    private const double LeastStalled = 10;

    /// <summary>The files are not read more often than this: many heaps ask.</summary>
    private const long LeastMilliseconds = 1_000;

    private readonly Gate _gate = new();
    private long _readAt = long.MinValue;
    private bool _wasHigh;

    /// <summary>That of this machine.</summary>
    public static MemoryPressure OfMachine { get; } = new("/");

    /// <summary>Whether memory is short now, or was within the last second.</summary>
    public bool IsHigh
    {
        get
        {
            long now = Environment.TickCount64;
            using Gate.Scope held = _gate.EnterScope();
            if (_readAt == long.MinValue || now - _readAt >= LeastMilliseconds)
            {
                (_readAt, _wasHigh) = (now, OperatingSystem.IsLinux() && Read());
            }

            return _wasHigh;
        }
    }

    /// <summary>The same, of this moment.</summary>
    public bool Read()
    {
        string group = Path.Join(root, "sys/fs/cgroup", Group());
        return (TryReadNumber(Path.Join(group, "memory.high"), out long high)
                && TryReadNumber(Path.Join(group, "memory.current"), out long current) && current >= high - (high / 16))
            || Stalled(TryRead(Path.Join(group, "memory.pressure")) ?? TryRead(Path.Join(root, "proc/pressure/memory"))) >= LeastStalled;
    }

    /// <summary>The path of the process's group below the mount: that of cgroup version 2.</summary>
    private string Group()
    {
        const string Unified = "0::";
        string? line = TryRead(Path.Join(root, "proc/self/cgroup"))?.Split('\n')
            .FirstOrDefault(static line => line.StartsWith(Unified, StringComparison.Ordinal));
        return line is null ? "" : line[Unified.Length..].Trim();
    }

    /// <summary>Of <c>some avg10=1.23 avg60=… …</c> the first number; 0 if there is none.</summary>
    private static double Stalled(string? pressure)
    {
        const string Ten = "some avg10=";
        return pressure is not null && pressure.StartsWith(Ten, StringComparison.Ordinal)
            && double.TryParse(pressure.AsSpan(Ten.Length, Math.Max(pressure.IndexOf(' ', Ten.Length) - Ten.Length, 0)),
                NumberStyles.Float, CultureInfo.InvariantCulture, out double percent) ? percent : 0;
    }

    /// <summary>False for <c>max</c>, too.</summary>
    private static bool TryReadNumber(string path, out long number) =>
        long.TryParse(TryRead(path), NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out number);

    private static string? TryRead(string path)
    {
        try
        {
            return File.Exists(path) ? File.ReadAllText(path) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or OutOfMemoryException)
        {
            return null;
        }
    }
}
