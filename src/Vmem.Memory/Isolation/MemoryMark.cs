using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>A moment in the life of a client, to which <see cref="MemoryClient.Release"/> goes back (obstack: the object that is freed with
/// all after it). <c>default</c> is no moment. A mark keeps its client alive.</summary>
[DebuggerDisplay("{Number} of {Client}")]
public readonly record struct MemoryMark
{
    internal MemoryMark(MemoryClient client, ulong number) => (Client, Number) = (client, number);

    internal MemoryClient? Client { get; }

    internal ulong Number { get; }
}
