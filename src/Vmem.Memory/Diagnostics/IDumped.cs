namespace Vmem.Memory.Diagnostics;

/// <summary>What has a row, or a table of its own, in <see cref="VmemProcess.Dump"/>.</summary>
internal interface IDumped
{
    /// <summary>Writes it. Nothing, if it has been disposed of.</summary>
    void Write(TextWriter writer);
}
