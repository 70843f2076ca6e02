using System.Globalization;
using Vmem.Memory;

namespace Vmem.Samples;

/// <summary>What the sample shows: scripts that behave and scripts that do not, and that the host's memory is whole after either.</summary>
internal static class Demonstration
{
    private static readonly string[] s_scripts = ["tidy", "leaky", "greedy", "twice", "secret", "thief", "endless"];

    public static void Run(TextWriter output, int runs)
    {
        List<Script> scripts = [.. s_scripts.Select(Load)];
        RunTogether(output, scripts);
        Spy(output);
        RunManyTimes(output, scripts, runs);
    }

    public static Script Load(string name) =>
        Script.Parse(name, File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "scripts", name + ".script")));

    private static void RunTogether(TextWriter output, List<Script> scripts)
    {
        var options = new ScriptHostOptions();
        using var host = new ScriptHost(options);
        output.WriteLine(Text($"{scripts.Count} scripts run by turns. Each may use {options.Quota / 1024} KiB of the host's {options.Memory / 1024}, and run {options.StepLimit:N0} steps."));
        output.WriteLine();
        MemoryContextStatistics before = host.Memory.GetStatistics();
        var printed = new StringWriter();
        scripts.ForEach(script => host.Start(script, printed));
        host.RunAll();
        WriteScripts(output, host.Processes);
        output.WriteLine();
        output.Write(printed);
        output.WriteLine();
        output.WriteLine("the host's memory   scripts   held by them      free   largest piece");
        WriteMemory(output, "before", before);
        WriteMemory(output, "all have ended", host.Memory.GetStatistics());
        foreach (ScriptProcess process in host.Processes.ToList())
        {
            host.Delete(process);
            WriteMemory(output, $"less {process.Script.Name}", host.Memory.GetStatistics());
        }

        host.Memory.Validate();
    }

    private static void WriteScripts(TextWriter output, IEnumerable<ScriptProcess> processes)
    {
        output.WriteLine("script          steps  most in use   left in memory");
        foreach (ScriptProcess process in processes)
        {
            MemoryClientStatistics memory = process.Client.GetStatistics();
            string left = memory.LiveBlocks == 0 ? "nothing" : Text($"{memory.LiveBlocks} {(memory.LiveBlocks == 1 ? "block" : "blocks")}, {memory.InUse:N0} bytes");
            output.WriteLine(Text($"{process.Script.Name,-10} {process.Steps,10:N0}  {memory.PeakInUse,11:N0}   {left}"));
            if (process.Fault is not null)
            {
                output.WriteLine($"    {process.Fault.Message}");
            }
        }
    }

    private static void WriteMemory(TextWriter output, string moment, MemoryContextStatistics memory) => output.WriteLine(Text(
        $"{moment,-20}{memory.Clients,7}{Kibibytes(memory.InUse),15}{Kibibytes(memory.Free),10}{Kibibytes(memory.LargestFree),16}"));

    // One script's bytes, and the next one's look for them: with the default, and without the zeroing that it means.
    private static void Spy(TextWriter output)
    {
        output.WriteLine();
        foreach (bool isolated in new[] { true, false })
        {
            using var host = new ScriptHost(new ScriptHostOptions { Isolated = isolated });
            output.WriteLine($"A spy runs when the secret's script has been deleted, memory {(isolated ? "zeroed as it changes hands (the default)" : "not zeroed")}:");
            _ = host.Start(Load("secret"), TextWriter.Null);
            host.RunAll();
            host.DeleteAll();
            _ = host.Start(Load("spy"), output);
            host.RunAll();
        }
    }

    private static void RunManyTimes(TextWriter output, List<Script> scripts, int runs)
    {
        using var host = new ScriptHost(new ScriptHostOptions { StepLimit = 100_000 });
        output.WriteLine();
        output.WriteLine("    runs   stopped   held at most   held after deletion   largest piece");
        int done = 0;
        int stopped = 0;
        int next = scripts.Count;
        long tables = 0;
        while (done < runs)
        {
            scripts.ForEach(script => host.Start(script, TextWriter.Null));
            host.RunAll();
            done += host.Processes.Count;
            stopped += host.Processes.Count(process => process.Fault is not null);
            host.DeleteAll();
            MemoryContextStatistics memory = host.Memory.GetStatistics();
            tables = tables == 0 ? memory.BookkeepingBytes : tables;
            if (done >= next || done >= runs)
            {
                output.WriteLine(Text($"{done,8:N0}{stopped,10:N0}{Kibibytes(memory.PeakInUse),15}{Kibibytes(memory.InUse),22}{Kibibytes(memory.LargestFree),16}"));
                next *= 10;
            }
        }

        output.WriteLine(Text($"The host's own tables: {tables:N0} bytes after the first runs, {host.Memory.GetStatistics().BookkeepingBytes:N0} after the last."));
    }

    private static string Kibibytes(nuint bytes) => Text($"{bytes / 1024.0:0.#} KiB");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
