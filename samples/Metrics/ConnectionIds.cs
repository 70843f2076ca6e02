namespace Vmem.Samples;

/// <summary>
/// Connection IDs as a server gives them to its peers: 16 bits on the wire, and never one that was in use a moment ago, so that a late
/// packet of a closed connection does not reach a new one: next fit.
/// </summary>
internal sealed class ConnectionIds(string name, ushort size) : IDisposable
{
    private readonly Arena<ushort> _ids = new(name, start: 1, size, quantum: 1, new ArenaOptions<ushort> { Policy = FitPolicy.NextFit });

    /// <summary>Accepts a connection; false if every ID is in use, and the peer has to come again.</summary>
    public bool TryAccept(out ushort id) => _ids.TryAllocate(1, out id);

    public void Close(ushort id) => _ids.Free(id, 1);

    public void Dispose() => _ids.Dispose();
}
