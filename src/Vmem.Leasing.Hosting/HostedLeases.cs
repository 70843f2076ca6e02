using System.Diagnostics;

namespace Vmem.Leasing.Hosting;

/// <summary>The host's session, for services that are made before it is opened: a hosted service asks for this in its constructor, and for
/// <see cref="Session"/> when it starts. All others ask for <see cref="LeaseSession"/>.</summary>
[DebuggerDisplay("{Session}")]
public sealed class HostedLeases
{
    private LeaseSession? _session;

    internal HostedLeases()
    {
    }

    /// <summary>The session.</summary>
    /// <exception cref="InvalidOperationException">The host has not started.</exception>
    public LeaseSession Session
    {
        get => _session ?? throw new InvalidOperationException(
            "The lease session is opened when the host starts: a hosted service asks for HostedLeases, and for its session in StartAsync.");
        internal set => _session = value;
    }
}
