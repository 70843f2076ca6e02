using System.Buffers;
using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Vmem.Tool.Files;

namespace Vmem.Tool.Commands;

/// <summary>
/// One run of <c>vmem record</c>: starts heaptrack, which starts the program. The program has the standard streams and the signals of the
/// terminal as if it had been started itself; vmem says what it has to say on standard error.
/// <para>heaptrack says some lines of its own on standard output, where the program writes, unless it is new enough to be told to be
/// quiet (1.5). Rejected: to do without its script, by loading its library into the program; where that lies differs between
/// systems.</para>
/// </summary>
internal sealed class RecordRun
{
    private const string Recorder = "heaptrack";

    private static readonly string[] s_endings = [".zst", ".gz", ".raw"];
    private static readonly SearchValues<char> s_unsafe = SearchValues.Create(" \t\n%*?[");

    // Given where heaptrack knows them: no lines of its own on standard output, and no window that shows the recording.
    private static readonly string[] s_options = ["--quiet", "--record-only"];

    private readonly ToolConsole _console;

    public RecordRun(ToolConsole console)
    {
        _console = console;
    }

    /// <summary>Whether "--" stood before the program.</summary>
    public required bool IsSetApart { get; init; }

    /// <summary>The program and its arguments.</summary>
    public required IReadOnlyList<string> Program { get; init; }

    /// <summary>Null for a name that is made up.</summary>
    public required string? Output { get; init; }

    public required bool IsRaw { get; init; }

    /// <summary>The recording, when it is complete.</summary>
    public string File { get; private set; } = "";

    /// <summary>What the program ended with.</summary>
    public int ProgramStatus { get; private set; }

    /// <exception cref="UsageException">It cannot be started so.</exception>
    /// <exception cref="IOException">heaptrack is missing, cannot be started, or wrote nothing.</exception>
    public void Execute()
    {
        string heaptrack = Check();
        string stem = CreateStem();
        var start = new ProcessStartInfo(heaptrack) { UseShellExecute = false };
        string[] arguments = ["-o", stem, .. IsRaw ? ["--raw"] : Array.Empty<string>(), .. FindOptions(heaptrack), "--", .. Program];
        Array.ForEach(arguments, start.ArgumentList.Add);
        DateTime before = LastWritten(stem);
        using (PosixSignalRegistration.Create(PosixSignal.SIGINT, static context => context.Cancel = true))
        using (PosixSignalRegistration.Create(PosixSignal.SIGQUIT, static context => context.Cancel = true))
        using (Process process = Start(start))
        {
            process.WaitForExit();
            ProgramStatus = process.ExitCode;
        }

        if (LastWritten(stem) <= before)
        {
            throw new IOException($"{Recorder} ended with {ProgramStatus} and wrote no recording; what it said is above");
        }

        File = Candidates(stem).MaxBy(System.IO.File.GetLastWriteTimeUtc)!;
        _console.Error.WriteLine(PlainText.Of($"vmem: recorded {File}; now: vmem replay {File}"));
    }

    private string Check()
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new UsageException($"record needs {Recorder}, which there is for Linux; vmem replay reads what was recorded there, too");
        }

        if (!IsSetApart)
        {
            throw new UsageException($"put -- before the program: vmem record -- {string.Join(' ', Program)}");
        }

        if (FindProgram(Program[0]) is null)
        {
            throw new UsageException($"there is no program {Program[0]}");
        }

        return FindProgram(Recorder) ?? throw new IOException($"record needs {Recorder}, which is not on the PATH: apt-get install {Recorder} (or dnf, zypper, pacman -S)");
    }

    // heaptrack appends the endings. Its script, as of 1.4, takes a path apart at blanks, and %h and %p for host and process.
    private string CreateStem()
    {
        string stem = Output ?? $"{Recorder}.{Path.GetFileName(Program[0])}.{Environment.ProcessId}";
        foreach (string ending in s_endings)
        {
            stem = stem.EndsWith(ending, StringComparison.Ordinal)
                && Path.GetFileName(stem).Length > ending.Length ? stem[..^ending.Length] : stem;
        }

        if (stem.Length == 0 || stem[0] == '-' || stem.AsSpan().ContainsAny(s_unsafe) || Directory.Exists(stem))
        {
            throw new UsageException($"--output: {Recorder} cannot write to \"{Output ?? stem}\"; name a file, without blanks, %, *, ? and [ and not from -");
        }

        if (Path.GetDirectoryName(Path.GetFullPath(stem)) is string folder && !Directory.Exists(folder))
        {
            throw new UsageException($"--output: there is no folder {folder}");
        }

        return stem;
    }

    private static List<string> FindOptions(string heaptrack)
    {
        var start = new ProcessStartInfo(heaptrack, ["--help"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Start(start);
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string help = process.StandardOutput.ReadToEnd() + error.Result;
        process.WaitForExit();
        return [.. s_options.Where(option => help.Contains(option, StringComparison.Ordinal))];
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (Win32Exception fault)
        {
            // What is on the PATH may be damaged, or a script whose interpreter is missing.
            throw new IOException($"{start.FileName} cannot be started ({new Win32Exception(fault.NativeErrorCode).Message}); install {Recorder} anew", fault);
        }
    }

    private string? FindProgram(string name) => name.Contains('/')
        ? IsProgram(name) ? name : null
        : _console.SearchPath.Select(folder => Path.Combine(folder, name)).FirstOrDefault(IsProgram);

    private static bool IsProgram(string path) =>
        System.IO.File.Exists(path) && !OperatingSystem.IsWindows()
        && (System.IO.File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0;

    private IEnumerable<string> Candidates(string stem)
    {
        string raw = IsRaw ? ".raw" : "";
        return new[] { $"{stem}{raw}.zst", $"{stem}{raw}.gz" }.Where(System.IO.File.Exists);
    }

    private DateTime LastWritten(string stem) => Candidates(stem).Select(System.IO.File.GetLastWriteTimeUtc).DefaultIfEmpty().Max();
}
