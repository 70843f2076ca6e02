using System.Diagnostics;

namespace Vmem.AspNetCore;

/// <summary>How the live page behaves.</summary>
[DebuggerDisplay("enabled: {Enabled}, each {Interval}")]
public sealed class VmemPageOptions
{
    /// <summary>Whether the page is there. Null, the default: in the environment Development only. It shows names, sizes and stacks of the
    /// whole process: elsewhere, require an authorisation.</summary>
    public bool? Enabled { get; set; }

    /// <summary>How often figures are taken while anybody looks at the page: all who look share them. A second by default, at
    /// most 49 days.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often a row is added to the history of the maps, whether anybody looks at the page or not: at most a day. 120 rows are
    /// kept. 5 seconds by default, so that there are ten minutes. <see cref="Timeout.InfiniteTimeSpan"/>: there is no history, and nothing
    /// is done while nobody looks.</summary>
    public TimeSpan HistoryStep { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How many columns the map of an arena has: 64 by default, at most <see cref="ArenaMap.MostColumns"/>. The more there are,
    /// the fewer arenas have a history: 514 with 64 columns, and none with more than 34,948.</summary>
    public int Columns { get; set; } = 64;

    /// <summary>How many segments are walked for the maps at each interval, of all arenas together. Larger arenas are drawn over several
    /// intervals. 20,000 by default.</summary>
    public int SegmentsEachTime { get; set; } = 20_000;

    /// <summary>The clock.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;
}
