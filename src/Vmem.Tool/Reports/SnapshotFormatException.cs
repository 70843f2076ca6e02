namespace Vmem.Tool.Reports;

/// <summary>A snapshot that cannot be shown: which file, where in it, and why.</summary>
internal sealed class SnapshotFormatException(string file, string where, string why) : Exception($"{file}: {where}: {why}");
