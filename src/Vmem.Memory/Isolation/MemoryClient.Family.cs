using Vmem.Checks;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// Clients of a client, and what each may hold.
public sealed unsafe partial class MemoryClient
{
    private LinkedListNode<Checkpoints.Cleanup>? _asChild;       // how the parent ends this one
    private nuint _childrenHeld;                  // of _inUse

    /// <summary>What the client keeps from others: its regions, and those of its own clients. It may be more than <see cref="InUse"/>,
    /// since regions are divided; where there is a quota, it gets no more than twice that, rounded up to
    /// <see cref="MemoryContext.BlockSize"/>. Beyond it the client is refused, so that one whose blocks lie scattered takes nothing from
    /// the others.</summary>
    public nuint Held => TotalSize + _childrenHeld;

    internal MemoryClient? Parent { get; }

    internal nuint ChildrenHeld => _childrenHeld;

    // A quota of more than the context can be is none.
    private nuint MostHeld => _quota == 0 || _quota > Context.MaxSize ? nuint.MaxValue : 2 * _map.Geometry.RoundUpToGranules(_quota);

    /// <summary>A client within this one: what it holds counts as in use here, by whole regions, and it ends with this one, and by
    /// <see cref="Reset"/> and <see cref="Release"/>. For a plug-in that is handed a client: whatever it does with it, also set its quota,
    /// stays within this one's. O(1).</summary>
    /// <param name="name">For messages and statistics; need not be unique.</param>
    /// <param name="quota">The most bytes that its blocks may take together, their rounding included; 0: this client's is the
    /// limit.</param>
    /// <exception cref="ObjectDisposedException">The client has been disposed of.</exception>
    public MemoryClient CreateClient(string name, nuint quota = 0)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        MemoryClient child = Context.CreateClient(name, quota, this);
        try
        {
            child._asChild = Register(child.Dispose);
            if (child._disposed)
            {
                Unregister(child._asChild);       // by who found it in the context's list
            }
        }
        catch
        {
            child.Dispose();                      // this one was disposed of meanwhile, or there is no memory
            throw;
        }

        return child;
    }

    /// <summary>Asks whether the client may hold so much more, and counts it where that is somebody else's use. The lock is held.</summary>
    internal bool TryHold(nuint more)
    {
        AssertEntered();
        return more <= MostHeld && Held <= MostHeld - more && (Parent is null || Parent.TryLend(more));
    }

    /// <summary>The client holds so much less. The lock is held.</summary>
    internal void LetGo(nuint less)
    {
        AssertEntered();
        Parent?.TakeBack(less);
    }

    /// <summary>Who stands in the way of so much more: this client, or one that it is within; null if none does.</summary>
    private MemoryClient? Refuser(nuint more)
    {
        MemoryClient? client = this;
        for (; client is not null; client = client.Parent, more = Math.Max(more, Context.BlockSize))
        {
            if (more > client.Room || more > client.MostHeld || client.Held > client.MostHeld - more)
            {
                break;
            }
        }

        return client;
    }

    /// <summary>A client of this one, whose lock is held, takes more. Locks are entered from child to parent.</summary>
    private bool TryLend(nuint more)
    {
        using ArenaLock.Scope held = Enter();
        if (_disposed || more > Room || !TryHold(more))
        {
            return false;
        }

        _inUse += more;
        _childrenHeld += more;
        _peakInUse = Math.Max(_peakInUse, _inUse);
        return true;
    }

    private void TakeBack(nuint less)
    {
        using ArenaLock.Scope held = Enter();
        Invariant.Assert(less <= _childrenHeld, "what a client of this one gives back was counted");
        _inUse -= less;
        _childrenHeld -= less;
        LetGo(less);
    }
}
