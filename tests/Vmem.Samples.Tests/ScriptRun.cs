using Vmem.Memory;
using Vmem.Samples.Hosting;
using Vmem.Samples.Language;

namespace Vmem.Samples.Tests;

/// <summary>A script run to its end on a host of its own; afterwards the host's memory is checked to be whole.</summary>
internal sealed record ScriptRun(string Output, ScriptException? Fault, MemoryClientStatistics Left, long Steps)
{
    /// <summary>What it printed, its lines without its name, joined by |.</summary>
    public string Lines => string.Join('|', Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line[(line.IndexOf(':', StringComparison.Ordinal) + 2)..]));

    public static ScriptRun Of(string source, ScriptHostOptions? options = null)
    {
        CompiledScript script = Compiler.Compile("test", source);
        using var host = new ScriptHost(options ?? new ScriptHostOptions());
        using var output = new StringWriter { NewLine = "\n" };
        ScriptProcess process = host.Start(script, output);
        host.RunAll();
        host.Memory.Validate();
        MemoryClientStatistics left = process.Client.GetStatistics();
        host.DeleteAll();
        MemoryContextStatistics memory = host.Memory.GetStatistics();
        Assert.Equal((memory.TotalSize, memory.TotalSize, 0), (memory.Free, memory.LargestFree, memory.Clients));
        return new ScriptRun(output.ToString(), process.Fault, left, process.Steps);
    }
}
