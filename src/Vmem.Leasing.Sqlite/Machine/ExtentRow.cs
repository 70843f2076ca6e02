using Vmem.Leasing.Sqlite.Sql;

namespace Vmem.Leasing.Sqlite.Machine;

/// <summary>An extent as the file has it.</summary>
/// <param name="Start">The first value.</param>
/// <param name="Last">The last value.</param>
/// <param name="Fence">The largest fence under which any of it was leased.</param>
/// <param name="Since">When it became what it is.</param>
/// <param name="Watermark">What its holders left.</param>
/// <param name="IsMarked">Whether its holder has marked it, and so speaks for itself at its death.</param>
internal readonly record struct ExtentRow(UInt128 Start, UInt128 Last, long Fence, long Since, long? Watermark, bool IsMarked = false)
{
    /// <summary>What <see cref="Read"/> wants.</summary>
    public const string Columns = "start, last, fence, since, watermark, marked";

    public UInt128 Size => Last - Start + 1;

    public static ExtentRow Read(Rows rows) =>
        new(rows.Wide(0), rows.Wide(1), rows.Number(2), rows.Number(3), rows.NumberOrNull(4), rows.Number(5) != 0);
}
