namespace Vmem.Memory.Pools;

/// <summary>The owners that the blocks of a slab keep, so that a rental of one block makes no object.</summary>
/// <remarks>
/// <para>
/// An owner belongs to a block. Whoever has got the block from the arena has its owner, too: nothing else has to be found, or handed from
/// thread to thread. It goes when the block's memory goes back to the system.
/// </para>
/// <para>
/// Rejected: a cache of owners. Each rental then takes from two caches, and returns to two. Rejected: a ring in which owners rest first, as
/// the native pool has it, to find a second disposal that comes soon. A block's owner cannot rest while the block does not, and the one
/// that was returned last has the warmest memory.
/// </para>
/// <para>Nothing is made before the first owner is kept: a slab for a long rental has none.</para>
/// </remarks>
/// <param name="size">How many blocks there are.</param>
internal sealed class PinnedOwners<T>(nuint size)
    where T : unmanaged
{
    private PinnedMemory<T>?[]? _owners;

    /// <summary>A block's owner; null: it keeps none. Only for who has the block.</summary>
    public PinnedMemory<T>? Of(int block) => _owners?[block];

    /// <summary>A block keeps its owner. Only for who has the block.</summary>
    /// <exception cref="OutOfMemoryException">It is the first one, and there is no memory for the table.</exception>
    public void Keep(int block, PinnedMemory<T> owner)
    {
        PinnedMemory<T>?[]? owners = Volatile.Read(ref _owners);
        if (owners is null)
        {
            PinnedMemory<T>?[] mine = new PinnedMemory<T>?[size];
            owners = Interlocked.CompareExchange(ref _owners, mine, null) ?? mine;
        }

        owners[block] = owner;
    }

    /// <summary>Blocks keep none any more. Only for who has them.</summary>
    public void Forget(int first, int count) => _owners?.AsSpan(first, count).Clear();
}
