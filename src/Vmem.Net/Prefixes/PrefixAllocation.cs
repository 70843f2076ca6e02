using System.Diagnostics;
using System.Net;

namespace Vmem.Net;

/// <summary>A prefix that somebody has.</summary>
/// <param name="Prefix">The prefix.</param>
/// <param name="Tag">What was said of it when it was allocated; 0: nothing.</param>
[DebuggerDisplay("{Prefix}, tag {Tag}")]
public readonly record struct PrefixAllocation(IPNetwork Prefix, ulong Tag)
{
    /// <summary>The prefix, and its tag if it has one.</summary>
    public override string ToString() => Tag == 0 ? Prefix.ToString() : $"{Prefix} (tag {Tag})";
}
