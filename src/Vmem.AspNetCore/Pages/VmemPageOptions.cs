using System.Diagnostics;

namespace Vmem.AspNetCore;

/// <summary>How the live page behaves.</summary>
[DebuggerDisplay("enabled: {Enabled}, each {Interval}")]
public sealed class VmemPageOptions
{
    /// <summary>Whether the page is there. Null, the default: in the environment Development only. It shows names, sizes and stacks of the
    /// whole process: elsewhere, require an authorisation.</summary>
    public bool? Enabled { get; set; }

    /// <summary>How often figures are taken while anybody looks at the page: all who look share them. A second by default.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How many columns the map of an arena has. 64 by default.</summary>
    public int Columns { get; set; } = 64;

    /// <summary>How many segments are walked for the maps at each interval, of all arenas together. Larger arenas are drawn over several
    /// intervals. 20,000 by default.</summary>
    public int SegmentsEachTime { get; set; } = 20_000;

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
