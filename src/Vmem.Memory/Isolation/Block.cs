namespace Vmem.Memory.Isolation;

/// <summary>A block of a client and the region that it is in: by itself for a large one.</summary>
/// <param name="Region">Where it is.</param>
/// <param name="Unit">Its first unit, counted from the context's start.</param>
/// <param name="Length">In bytes, its rounding included.</param>
internal readonly record struct Block(Region Region, nuint Unit, nuint Length);
