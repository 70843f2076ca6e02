using Vmem.Memory;

namespace Vmem.Samples.Tests.Scripts;

/// <summary>A script run to its end on a host of its own; afterwards the host's memory is checked to be whole.</summary>
internal sealed record ScriptRun(string Output, ScriptException? Fault, MemoryClientStatistics Left)
{
    /// <summary>What it printed, its lines without its name, joined by |.</summary>
    public string Lines => string.Join('|', Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line["test: ".Length..]));

    public static ScriptRun Of(string source, ScriptHostOptions? options = null)
    {
        using var host = new ScriptHost(options ?? new ScriptHostOptions());
        using var output = new StringWriter { NewLine = "\n" };
        ScriptProcess process = host.Start(Script.Parse("test", source), output);
        host.RunAll();
        host.Memory.Validate();
        MemoryClientStatistics left = process.Client.GetStatistics();
        host.DeleteAll();
        MemoryContextStatistics memory = host.Memory.GetStatistics();
        Assert.Equal((memory.TotalSize, memory.TotalSize, 0), (memory.Free, memory.LargestFree, memory.Clients));
        return new ScriptRun(output.ToString(), process.Fault, left);
    }
}
