using System.Diagnostics;
using System.Globalization;

namespace Vmem.Leasing;

/// <summary>How much of an arena is what.</summary>
/// <param name="Free">What can be leased.</param>
/// <param name="LargestFree">The largest free extent.</param>
/// <param name="Leased">What live sessions hold.</param>
/// <param name="Lapsed">What silent sessions hold: they have expired and are not dead yet.</param>
/// <param name="Quarantined">What waits for its quarantine to end.</param>
/// <param name="RoomAt">When the first of the last two can be free, by the store's clock; null if there are none.</param>
/// <param name="HoldUntil">During a hold: when its phase ends at the earliest.</param>
[DebuggerDisplay("{Leased} leased, {Free} free, {LargestFree} of it in one piece")]
public sealed record LeaseUsage(UInt128 Free, UInt128 LargestFree, UInt128 Leased, UInt128 Lapsed, UInt128 Quarantined,
    DateTimeOffset? RoomAt, DateTimeOffset? HoldUntil)
{
    /// <summary>The figures in words: <c>free 0, leased 900, quarantined 124 until 12:01:07</c>.</summary>
    /// <returns>The text. Times are UTC.</returns>
    public override string ToString()
    {
        string until = RoomAt is { } room ? $" until {Clock(room)}" : "";
        return string.Create(CultureInfo.InvariantCulture, $"free {Free}, leased {Leased}")
            + (Lapsed > 0 ? $", lapsed {Lapsed}" + (Quarantined == 0 ? until : "") : "")
            + (Quarantined > 0 ? $", quarantined {Quarantined}{until}" : "")
            + (Free > 0 && LargestFree < Free ? $", largest free extent {LargestFree}" : "")
            + (HoldUntil is { } hold ? $"; the store failed over and grants nothing before {Clock(hold)}" : "");
    }

    private static string Clock(DateTimeOffset time) => time.UtcDateTime.ToString("HH:mm:ss", CultureInfo.InvariantCulture);
}
