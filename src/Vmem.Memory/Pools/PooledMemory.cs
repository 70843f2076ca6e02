using System.Buffers;
using Vmem.Memory.Heap;

namespace Vmem.Memory.Pools;

/// <summary>Memory that a pool rents, and gets back at the end of each rental.</summary>
/// <remarks>
/// <para>
/// <see cref="IMemoryOwner{T}"/> and <see cref="Memory{T}"/> both carry a reference to this object and nothing that could tell one rental
/// from the next. So once the object serves another renter, a reference that the first one kept cannot be told from the other's: disposed
/// of again it ends the other's rental, and looked at it shows the other's bytes. That is the price of no garbage, and no code here
/// can take it away; what can be done is done. An object rests before it is used again (<see cref="PoolThread"/>), and as long as it rests
/// the late call is found; the heap is never harmed, since the word frees a block once. Who wants certainty asks the pool for a
/// fresh object each time.
/// </para>
/// <para>
/// Rejected: a number of the rental in the index that a <see cref="Memory{T}"/> carries, with spans made to begin that much before the
/// block, so that the bounds check finds the wrong one. It works for <see cref="Memory{T}"/> alone, and for a moment makes a reference to
/// an address that is not ours, which the collector takes for one into its heap if it happens to lie there. Rejected: recycling by
/// finaliser, when nobody can have a reference any more. It is certain, but objects come back only with collections, and without
/// garbage there are none.
/// </para>
/// </remarks>
internal sealed class PooledMemory<T>(NativeHeap heap, NativeMemoryPool<T> pool) : HeapMemory<T>(heap)
    where T : unmanaged
{
    private bool _isReclaimed;

    protected override bool ClearsAtEnd => pool.ClearsOnReturn;

    /// <summary>Ends a rental that was forgotten. The object is not used again: others that are finalised may have a reference
    /// yet.</summary>
    public void Reclaim()
    {
        _isReclaimed = true;
        Dispose(disposing: true);
    }

    protected override void NoteEnd() => pool.TakeBack(this, _isReclaimed);

    protected override void NoteDoubleDispose() => pool.NoteDoubleDispose();
}
