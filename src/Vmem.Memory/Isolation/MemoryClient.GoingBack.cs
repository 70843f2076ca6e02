using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using Vmem.Checks;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// Many blocks freed at once: all, or those since a mark.
public sealed unsafe partial class MemoryClient
{
    private Checkpoints _checkpoints;

    /// <summary>The marks that are set.</summary>
    internal ref readonly Checkpoints Checkpoints => ref _checkpoints;

    /// <summary>Notes this moment, for <see cref="Release"/>. What is allocated from now on lies apart from what there is: each mark
    /// takes a <see cref="MemoryContext.BlockSize"/> at least, as soon as something is allocated. O(regions + cached blocks).</summary>
    /// <returns>The mark. It ends when it, or one set before it, is released, and with <see cref="Reset"/>.</returns>
    /// <exception cref="ObjectDisposedException">The client has been disposed of.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for the record of it.</exception>
    public MemoryMark Mark()
    {
        using ArenaLock.Scope held = Enter();
        ObjectDisposedException.ThrowIf(_disposed, this);
        ulong number = _checkpoints.Add();
        _free.Seal();
        return new MemoryMark(Serial, number);
    }

    /// <summary>Frees all blocks that were allocated since a mark, ends the clients that were made since it, and every mark set after it. A
    /// block that has moved since (<see cref="Reallocate"/>) was allocated since; one that was resized where it lay was not. O(regions),
    /// however many blocks there are, and O(bytes they lay in / <see cref="MemoryContext.Alignment"/>) to forget where they were.</summary>
    /// <exception cref="ArgumentException">The mark is another client's, or has ended; nothing was changed.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of.</exception>
    /// <exception cref="Exception">What a cleanup threw, when all else was done (<see cref="RegisterCleanup"/>).</exception>
    public void Release(MemoryMark mark)
    {
        int marks;
        using (Enter())
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            marks = mark.Client == Serial ? _checkpoints.Find(mark.Number) : -1;
        }

        if (marks < 0)
        {
            throw new ArgumentException($"The mark is not set: client '{Name}' has released it, or one before it, has been reset since, or never set it.", nameof(mark));
        }

        GoBack(marks + 1);
    }

    /// <summary>Frees everything that the client ever allocated, as <see cref="Dispose"/> does, and the client goes on: its memory goes
    /// back to the context, its marks end, and so do its own clients (<see cref="CreateClient"/>). For what works in rounds: a request, a
    /// frame, a script. O(regions), however many blocks there are, and O(bytes held / <see cref="MemoryContext.Alignment"/>) to forget
    /// where they were.</summary>
    /// <exception cref="ObjectDisposedException">The client has been disposed of.</exception>
    /// <exception cref="Exception">What a cleanup threw, when all else was done (<see cref="RegisterCleanup"/>).</exception>
    public void Reset()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        GoBack(0);
    }

    /// <summary>Something to be done before the client's memory of now goes: by <see cref="Reset"/>, <see cref="Dispose"/>, or
    /// <see cref="Release"/> of a mark that is set now. Files to close, handles to free, what the host knows of the client's blocks. The
    /// latest is run first, on the thread that frees, without a lock: it may use the client. What it throws is thrown when all else is
    /// done; of several, the first. O(1).</summary>
    /// <exception cref="ObjectDisposedException">The client has been disposed of.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for the record of it.</exception>
    public void RegisterCleanup(Action cleanup)
    {
        ArgumentNullException.ThrowIfNull(cleanup);
        _ = Register(cleanup);
    }

    private LinkedListNode<Checkpoints.Cleanup> Register(Action cleanup)
    {
        using ArenaLock.Scope held = Enter();
        ObjectDisposedException.ThrowIf(_disposed, this);
        return _checkpoints.Register(cleanup);
    }

    private void Unregister(LinkedListNode<Checkpoints.Cleanup> cleanup)
    {
        using ArenaLock.Scope held = Enter();
        _checkpoints.Unregister(cleanup);
    }

    /// <summary>Frees what was allocated when so many marks were set, or more.</summary>
    private void GoBack(int marks)
    {
        ExceptionDispatchInfo? failure = null;
        do
        {
            CleanUp(marks, ref failure);
        }
        while (!TryFreeSince(marks));             // more was registered meanwhile
        failure?.Throw();
    }

    /// <summary>Ends clients and runs cleanups that came when so many marks were set, or more, the latest first. Without the
    /// lock.</summary>
    /// <param name="marks">How many.</param>
    /// <param name="failure">What the first one threw.</param>
    private void CleanUp(int marks, ref ExceptionDispatchInfo? failure)
    {
        while (TryTakeLast(marks, out Action? last))
        {
            try
            {
                last();
            }
            catch (Exception e)
            {
                failure ??= ExceptionDispatchInfo.Capture(e);
            }
        }
    }

    private bool TryTakeLast(int marks, [NotNullWhen(true)] out Action? last)
    {
        using ArenaLock.Scope held = Enter();
        return _checkpoints.TryTake(marks, out last);
    }

    private bool TryFreeSince(int marks)
    {
        using ArenaLock.Scope held = Enter();
        if (_disposed || _checkpoints.HasCleanups(marks))
        {
            return _disposed;
        }

        (long blocks, nuint bytes) = _free.FreeSince(marks, zeroed: (Context.Features & MemoryContextFeatures.ZeroOnFree) != 0);
        _checkpoints.Cut(Math.Max(marks - 1, 0));
        _free.Regions.Unseal(_checkpoints.Count);
        _leaked += blocks;
        _freedEver += bytes;
        _inUse -= bytes;
        return true;
    }
}
