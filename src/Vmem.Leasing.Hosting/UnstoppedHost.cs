namespace Vmem.Leasing.Hosting;

/// <summary>Ends the session of a host that is disposed of without having been stopped.</summary>
/// <remarks>
/// A container disposes of what it made, the newest first. The session is among that, and to dispose of it gives everything back. This is
/// made right after it, so it goes before it, and finds the session as it was. Rejected: to leave that to <see cref="LeasingService"/>. It
/// is made before the session, so it goes after it.
/// </remarks>
internal sealed class UnstoppedHost : IAsyncDisposable
{
    /// <summary>What holds the session; null until it is open.</summary>
    public LeasingService? Leasing { private get; set; }

    public ValueTask DisposeAsync() => Leasing?.DisposeAsync() ?? ValueTask.CompletedTask;
}
