namespace Vmem.Tool.Commands;

/// <summary>A process that the tool started was ended from outside.</summary>
internal sealed class ProcessEndedException(string message) : IOException(message);
