using Vmem.Memory;
using Vmem.Samples.Execution;
using Vmem.Samples.Language;

namespace Vmem.Samples.Hosting;

/// <summary>One run of a script: its client, where it stands, how it ended. After its end its memory stays as it was until it is deleted.</summary>
internal sealed class ScriptProcess : IDisposable
{
    private readonly Board _board;
    private readonly Machine _machine;

    public ScriptProcess(CompiledScript script, MemoryClient client, Board board, TextWriter output, long stepLimit)
    {
        Script = script;
        Client = client;
        _board = board;
        _machine = new Machine(script, client, board, output, stepLimit);
    }

    public CompiledScript Script { get; }

    public MemoryClient Client { get; }

    /// <summary>Whether it is over: it came to its end, or was stopped.</summary>
    public bool HasEnded => _machine.HasEnded || Fault is not null;

    /// <summary>Why it was stopped; null if it ended by itself, or runs.</summary>
    public ScriptException? Fault { get; private set; }

    public long Steps => _machine.Steps;

    /// <summary>Runs some instructions. What remains in the client's memory when it has ended is what the script has left there.</summary>
    public void RunSlice(int steps)
    {
        try
        {
            _machine.Run(steps);
        }
        catch (ScriptException fault)
        {
            Fault = fault;
        }

        if (HasEnded)
        {
            _machine.Unload();
        }
    }

    /// <summary>Deletes its client: whatever it has left is free for others.</summary>
    public void Dispose()
    {
        _board.Forget(Client);
        Client.Dispose();
    }
}
