namespace Vmem.Memory;

/// <summary>A moment in the life of a client, to which <see cref="MemoryClient.Release"/> goes back (obstack: the object that is freed with
/// all after it). <c>default</c> is no moment.</summary>
public readonly record struct MemoryMark
{
    internal MemoryMark(ulong client, ulong number) => (Client, Number) = (client, number);

    internal ulong Client { get; }

    internal ulong Number { get; }
}
