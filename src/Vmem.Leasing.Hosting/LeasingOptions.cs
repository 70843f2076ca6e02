using System.Diagnostics;

namespace Vmem.Leasing.Hosting;

/// <summary>How a host leases.</summary>
[DebuggerDisplay("{Session}, stops when lost: {StopsWhenLost}")]
public sealed class LeasingOptions
{
    /// <summary>How the session behaves. What it reports goes to the log in any case.</summary>
    public LeaseSessionOptions Session { get; set; } = new();

    /// <summary>Whether the host stops when its session is lost: nothing that it leased may be used any more, and a new start leases anew.
    /// True, unless set. If false, the program opens sessions itself.</summary>
    public bool StopsWhenLost { get; set; } = true;
}
