using System.Diagnostics;

namespace Vmem.Leasing.Sqlite.Tests.Processes;

/// <summary>One test of this program in a process of its own, which is killed in the end. The test is one that runs only when asked for
/// (<c>Explicit</c>); lines that begin with a digit or CONFLICT are what it says.</summary>
internal sealed class Child : IDisposable
{
    private const string FolderVariable = "VMEM_CHILD_FOLDER";

    private readonly Process _process;

    private Child(Process process) => _process = process;

    /// <summary>In the child: where the parent works.</summary>
    public static string Folder => Environment.GetEnvironmentVariable(FolderVariable)!;

    /// <param name="tests">The class.</param>
    /// <param name="method">Its test.</param>
    /// <param name="folder">Where the parent works.</param>
    /// <param name="variables">What is 1 in the child's environment.</param>
    public static Child Start(Type tests, string method, string folder, params ReadOnlySpan<string> variables)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true };
        string[] arguments = ["--explicit", "only", "--filter-method", $"{tests.FullName}.{method}", "--progress", "off"];
        Array.ForEach(arguments, start.ArgumentList.Add);
        start.Environment[FolderVariable] = folder;
        foreach (string variable in variables)
        {
            start.Environment[variable] = "1";
        }

        return new Child(Process.Start(start)!);
    }

    /// <summary>The next line that it says.</summary>
    public async Task<string> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            string? line = await _process.StandardOutput.ReadLineAsync(cancellationToken);
            Assert.NotNull(line);
            if (line.Length > 0 && (char.IsAsciiDigit(line[0]) || line.StartsWith("CONFLICT", StringComparison.Ordinal)))
            {
                return line;
            }
        }
    }

    /// <summary>All that it has said and nobody has read; it was killed.</summary>
    public Task<string> ReadRestAsync(CancellationToken cancellationToken) => _process.StandardOutput.ReadToEndAsync(cancellationToken);

    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
    }
}
