namespace Vmem.Samples;

/// <summary>
/// Process IDs as a kernel hands them out. Whoever still remembers the PID of a process that has ended (a script, a signal under way) must
/// not hit a new process by it, so a PID comes back as late as possible: next fit, which goes round all of them before it starts again.
/// </summary>
internal sealed class PidTable : IDisposable
{
    /// <summary>The classic limit: PIDs are 1 to 32767.</summary>
    public const ushort PidMax = 32768;

    private readonly Arena<ushort> _pids;
    private readonly Dictionary<ushort, string> _processes = [];

    public PidTable(FitPolicy policy)
    {
        _pids = new Arena<ushort>("pids", start: 1, size: PidMax - 1, quantum: 1, new ArenaOptions<ushort> { Policy = policy });
    }

    public int Running => _processes.Count;

    public ArenaStatistics<ushort> Statistics => _pids.GetStatistics();

    /// <summary>Starts a process; false if there is no PID left (fork's EAGAIN).</summary>
    public bool TrySpawn(string command, out ushort pid)
    {
        if (!_pids.TryAllocate(1, out pid))
        {
            return false;
        }

        _processes.Add(pid, command);
        return true;
    }

    /// <summary>The parent has asked for the exit status: from here on the PID is nobody's.</summary>
    public void Reap(ushort pid)
    {
        _pids.Free(pid, 1);                       // throws if no such process runs, and changes nothing
        _ = _processes.Remove(pid);
    }

    public FitReport<ushort> ExplainSpawn() => _pids.Explain(1);

    public void Dispose() => _pids.Dispose();
}
