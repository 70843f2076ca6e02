using Vmem.Diagnostics;

namespace Vmem.Memory.Isolation;

/// <summary>What a client is asked for.</summary>
/// <param name="Size">In bytes; 0 gives the smallest block there is.</param>
/// <param name="Alignment">A power of two of at most <see cref="MemoryContext.BlockSize"/>.</param>
/// <param name="Zeroed">Whether it is to hold zeros.</param>
/// <param name="By">Whose call it is, if that is kept.</param>
/// <param name="Old">The block that moves to the new one, and is free then; 0: none does.</param>
internal readonly record struct BlockRequest(nuint Size, nuint Alignment, bool Zeroed, AuditSite? By, nuint Old = 0);
