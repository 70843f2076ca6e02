using System.Globalization;
using Vmem.Platform;

namespace Vmem.Memory.Platform;

/// <summary>How many mappings a process may have. Who makes many of them leaves a part of these to others: a runtime that gets no mapping
/// for its own heap or code ends the process.</summary>
internal static class Mappings
{
    private const string Setting = "/proc/sys/vm/max_map_count";
    private const long Usual = 65_530;

    private static readonly SystemNumber s_most =
        new(static () => long.Parse(File.ReadAllText(Setting), NumberStyles.Integer, CultureInfo.InvariantCulture), Usual);

    /// <summary>As many as there are addresses where no limit is known.</summary>
    public static long Most => OperatingSystem.IsLinux() ? s_most.Value : long.MaxValue;
}
