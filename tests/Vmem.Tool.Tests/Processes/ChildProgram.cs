using System.Diagnostics;
using System.Runtime.CompilerServices;
using Vmem.Memory;

namespace Vmem.Tool.Tests.Processes;

/// <summary>A program with arenas, to be looked at from outside: these tests, started once more. It ends when its input does.</summary>
internal sealed class ChildProgram : IDisposable
{
    private const string Variable = "LOOKED_AT_FROM_OUTSIDE";

    private readonly Process _process;

    public ChildProgram()
    {
        ProcessStartInfo start = new("dotnet", [typeof(ChildProgram).Assembly.Location])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            Environment = { [Variable] = "1" },
        };
        _process = Process.Start(start)!;
        Assert.Equal("ready", _process.StandardOutput.ReadLine());
    }

    public int Id => _process.Id;

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>What the child does instead of running tests: this comes before its entry point.</summary>
    [ModuleInitializer]
    internal static void RunAsChild()
    {
        if (Environment.GetEnvironmentVariable(Variable) is null)
        {
            return;
        }

        using Arena<ulong> below = new("child, below", 1 << 20, 1 << 20, 4_096, new ArenaOptions<ulong> { Policy = FitPolicy.BestFit });
        using Arena<ulong> above = new("child above", 16, new ArenaOptions<ulong> { Source = below });
        using NativeHeap heap = new(new NativeHeapOptions { Name = "child heap" });
        for (int i = 0; i < 1_000; i++)
        {
            ulong start = above.Allocate(48);
            if (i % 2 == 0)
            {
                above.Free(start, 48);
            }
        }

        unsafe
        {
            _ = heap.Allocate(1_000);
        }

        Console.WriteLine("ready");
        _ = Console.In.ReadToEnd();
        Environment.Exit(0);
    }
}
