namespace Vmem.Memory.Tests.Blocks;

/// <summary>Where a context's block comes from.</summary>
public enum BlockOrigin
{
    /// <summary>Memory of the caller's, with something in it.</summary>
    Callers,

    /// <summary>Memory that the context got for itself.</summary>
    Own,

    /// <summary>A view of a file, with something in it.</summary>
    Mapped,
}
