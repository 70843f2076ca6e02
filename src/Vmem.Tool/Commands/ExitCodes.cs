namespace Vmem.Tool.Commands;

internal static class ExitCodes
{
    public const int Success = 0;

    /// <summary>An input is wrong, or an output cannot be written.</summary>
    public const int BadInput = 1;

    /// <summary>The command line is wrong.</summary>
    public const int WrongUsage = 2;

    /// <summary>128 + SIGINT, what a shell reports for a program that Ctrl-C ended.</summary>
    public const int Interrupted = 130;

    /// <summary>128 + SIGKILL, what .NET reports for a process that was ended so.</summary>
    public const int Killed = 137;
}
