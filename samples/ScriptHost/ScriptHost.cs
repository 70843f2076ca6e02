using Vmem.Memory;

namespace Vmem.Samples;

/// <summary>
/// Runs many small scripts of many authors side by side, in one block of memory that was taken once. Each run is a client of that block: it
/// has a quota, it cannot touch what another has, and when it is deleted everything it had is free again, whether its author freed it or
/// not. The host never looks for leaks, and never asks the collector.
/// </summary>
internal sealed class ScriptHost : IDisposable
{
    // Short enough that scripts that wait for each other get on, long enough that changing costs nothing; arbitrary.
    private const int StepsPerTurn = 500;

    // The least that a script holds, and what its memory grows by. The scripts are small, and are to be many; arbitrary.
    private const nuint BlockSize = 4 * 1024;

    private readonly ScriptHostOptions _options;
    private readonly Board _board = new();
    private readonly List<ScriptProcess> _processes = [];

    public ScriptHost(ScriptHostOptions options)
    {
        _options = options;
        Memory = new MemoryContext(options.Memory, new MemoryContextOptions
        {
            BlockSize = BlockSize,
            Features = options.Isolated ? MemoryContextFeatures.ZeroOnHandOver : MemoryContextFeatures.None,
        });
    }

    public MemoryContext Memory { get; }

    /// <summary>Those started and not deleted, in the order of their start.</summary>
    public IReadOnlyList<ScriptProcess> Processes => _processes;

    public ScriptProcess Start(Script script, TextWriter output)
    {
        MemoryClient client = Memory.CreateClient(script.Name, _options.Quota);
        var process = new ScriptProcess(script, Memory, client, _board, output, _options.StepLimit);
        _processes.Add(process);
        return process;
    }

    /// <summary>Lets all scripts run by turns until each has ended or was stopped.</summary>
    public void RunAll()
    {
        while (_processes.Any(process => !process.HasEnded))
        {
            foreach (ScriptProcess process in _processes.Where(process => !process.HasEnded))
            {
                process.Run(StepsPerTurn);
            }
        }
    }

    public void Delete(ScriptProcess process)
    {
        _ = _processes.Remove(process);
        process.Dispose();
    }

    public void DeleteAll()
    {
        _processes.ForEach(process => process.Dispose());
        _processes.Clear();
    }

    public void Dispose() => Memory.Dispose();
}
