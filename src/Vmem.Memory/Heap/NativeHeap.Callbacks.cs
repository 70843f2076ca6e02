namespace Vmem.Memory;

// The heap as C takes it.
public sealed unsafe partial class NativeHeap : ICallbackTarget
{
    /// <summary>The heap as functions that C can call, for a library that asks for an allocator. From now on the heap is kept alive until
    /// it is disposed of. O(1).</summary>
    /// <exception cref="ObjectDisposedException">The heap has ended.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for the record of it.</exception>
    public MemoryFunctions Functions
    {
        get
        {
            ThrowIfDisposed();
            return _callbacks.Open(this);
        }
    }

    /// <inheritdoc/>
    void ICallbackTarget.NoteRefused(Exception why) => _callbacks.Note(why);
}
