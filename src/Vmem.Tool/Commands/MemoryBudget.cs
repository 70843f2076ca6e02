using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Commands;

/// <summary>
/// Whether there is memory for what a recording is replayed through: blocks of real memory are written to, in this process for all
/// allocators side by side, and once more in a process of its own for one at a time. To find out by trying would have the system end
/// whatever it chooses.
/// </summary>
internal sealed class MemoryBudget(AvailableMemory available)
{
    // An event of the process of its own. The rest on top of what was asked for, a quarter, is arbitrary: more than most allocators add.
    private const ulong BytesPerEvent = 16;
    private const ulong Shares = 4;

    /// <summary>How many of some allocators of real memory there is room for.</summary>
    public int CountFitting(RecordingSize size, int allocators)
    {
        while (allocators > 0 && Need(size, allocators) > available.Bytes)
        {
            allocators--;
        }

        return allocators;
    }

    /// <summary>"30.0 GiB are needed, and 12.0 GiB are available".</summary>
    public string Describe(RecordingSize size, int allocators)
    {
        string container = available.Container is ulong bytes && bytes < available.Machine
            ? $" (the container's limit leaves that; the machine has {Units.Bytes(available.Machine)})"
            : string.Empty;
        return $"{Units.Bytes(Need(size, allocators))} are needed for the {Units.Bytes(size.PeakBytes)} of its peak, and {Units.Bytes(available.Bytes)} are available{container}";
    }

    private static ulong Need(RecordingSize size, int allocators)
    {
        UInt128 peak = (UInt128)size.PeakBytes * (Shares + 1) / Shares;
        UInt128 need = (peak * (ulong)(allocators + 1)) + ((ulong)size.Events * BytesPerEvent);
        return (ulong)UInt128.Min(need, ulong.MaxValue);
    }
}
