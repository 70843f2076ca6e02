namespace Vmem.Testing.Model;

/// <summary>An allocated range of the model, and the ordinal of the handle it was allocated by (-1: none).</summary>
public readonly record struct ModelAllocation(int Start, int Size, int Handle);
