namespace Vmem.Tool.Processes;

/// <summary>A process cannot be asked, for which the message gives the reason.</summary>
internal sealed class ProcessUnreachableException(int pid, string reason)
    : IOException($"process {pid} cannot be asked: {reason.TrimEnd('.')}. It must be a .NET program of the same user, and share /tmp with this one.");
