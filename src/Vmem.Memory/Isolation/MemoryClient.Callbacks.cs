namespace Vmem.Memory;

// The client as C takes it.
public sealed unsafe partial class MemoryClient : ICallbackTarget
{
    private CallbackContext _callbacks;

    /// <summary>The client as functions that C can call: a script engine, say, that can then use no more than the client's quota, and of
    /// which nothing is left when the client is disposed of. From now on the client is kept alive until then. O(1).</summary>
    /// <exception cref="ObjectDisposedException">The client has been disposed of.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for the record of it.</exception>
    public MemoryFunctions Functions
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _callbacks.Open(this);
        }
    }

    /// <inheritdoc/>
    void ICallbackTarget.NoteRefused(Exception why) => _callbacks.Note(why);
}
