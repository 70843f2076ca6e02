using System.Diagnostics.CodeAnalysis;
using System.Runtime.ExceptionServices;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Memory.Isolation;

namespace Vmem.Memory;

// Many blocks freed at once: all, or those since a mark.
public sealed unsafe partial class MemoryClient
{
    private Checkpoints _checkpoints;
    private ulong _resets;

    /// <summary>The marks that are set.</summary>
    internal ref readonly Checkpoints Checkpoints => ref _checkpoints;

    /// <summary>The moment of now, for <see cref="HasGoneBackBehind"/>. The lock is held.</summary>
    private (ulong Resets, ulong Mark) Moment => (_resets, _checkpoints.Last);

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
        return new MemoryMark(this, number);
    }

    /// <summary>Frees all blocks that were allocated since a mark, ends the clients that were made since it, and every mark set after it. A
    /// block that has moved since (<see cref="Reallocate"/>) was allocated since; one that was resized where it lay was not. O(regions),
    /// however many blocks there are, and O(bytes they lay in / <see cref="MemoryContext.Alignment"/>) to forget where they were.</summary>
    /// <exception cref="ArgumentException">The mark is another client's, or has ended; nothing was changed.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of.</exception>
    /// <exception cref="Exception">What a cleanup threw, when all else was done (<see cref="RegisterCleanup"/>).</exception>
    public void Release(MemoryMark mark)
    {
        bool isSet;
        using (Enter())
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            isSet = mark.Client == this && mark.Number != 0 && _checkpoints.MarksAfter(mark.Number) >= 0;
        }

        if (!isSet)
        {
            throw new ArgumentException($"The mark is not set: client '{Name}' has released it, or one before it, has been reset since, or never set it.", nameof(mark));
        }

        GoBack(mark.Number);
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
        GoBack(mark: 0);
    }

    /// <summary>Something to be done before the client's memory of now goes: by <see cref="Reset"/>, <see cref="Dispose"/>, or
    /// <see cref="Release"/> of a mark that is set now. Files to close, handles to free, what the host knows of the client's blocks. The
    /// latest is run first, on the thread that frees, without a lock: it may use the client. What it registers itself is run at once, too.
    /// What it throws is thrown when all else is done; of several, the first. O(1).</summary>
    /// <exception cref="ObjectDisposedException">The client has been disposed of.</exception>
    /// <exception cref="OutOfMemoryException">There is no memory for the record of it.</exception>
    public void RegisterCleanup(Action cleanup)
    {
        ArgumentNullException.ThrowIfNull(cleanup);
        _ = Register(cleanup);
    }

    /// <summary>Whether what was allocated at a moment is gone: by <see cref="Reset"/>, or by <see cref="Release"/> of a mark that was set
    /// then.</summary>
    internal bool HasGoneBackBehind((ulong Resets, ulong Mark) moment)
    {
        using ArenaLock.Scope held = Enter();
        return IsBehind(moment);
    }

    private bool IsBehind((ulong Resets, ulong Mark) moment) =>
        moment.Resets != _resets || _checkpoints.MarksAfter(moment.Mark) < 0;

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

    /// <summary>Frees what was allocated since a mark; all, if the number is 0. The mark is looked for anew whenever the lock was left: a
    /// cleanup, or another thread, may have gone back further, and then there is nothing more to do.</summary>
    private void GoBack(ulong mark)
    {
        ExceptionDispatchInfo? failure = null;
        AuditSite? by = _audit?.Sign(AuditCall.Release);
        do
        {
            CleanUp(mark, ref failure);
        }
        while (!TryFreeSince(mark, by));              // more was registered meanwhile
        failure?.Throw();
    }

    /// <summary>Ends clients and runs cleanups that came after a mark, the latest first. Without the lock.</summary>
    /// <param name="mark">Its number; 0: all.</param>
    /// <param name="failure">What the first one threw.</param>
    private void CleanUp(ulong mark, ref ExceptionDispatchInfo? failure)
    {
        while (TryTakeLast(mark, out Action? last))
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

    private bool TryTakeLast(ulong mark, [NotNullWhen(true)] out Action? last)
    {
        using ArenaLock.Scope held = Enter();
        int marks = _checkpoints.MarksAfter(mark);
        last = null;
        return marks >= 0 && _checkpoints.TryTake(marks, out last);
    }

    /// <summary>False if a cleanup is to be run first.</summary>
    private bool TryFreeSince(ulong mark, AuditSite? by)
    {
        using ArenaLock.Scope held = Enter();
        int marks = _checkpoints.MarksAfter(mark);
        if (_disposed || marks < 0)
        {
            return true;
        }

        if (_checkpoints.HasCleanups(marks))
        {
            return false;
        }

        (long blocks, nuint bytes) = _free.FreeSince(marks, zeroed: (Context.Features & MemoryContextFeatures.ZeroOnFree) != 0);
        _leaked += blocks;
        _freedEver += bytes;
        _inUse -= bytes;
        _resets += mark == 0 ? 1ul : 0;
        _checkpoints.Cut(marks);
        _free.Regions.Unseal(_checkpoints.Count);
        _audit?.NoteGone(IsLive, by);
        return true;
    }

    private bool IsLive(nuint block) =>
        _map.UnitOf(block) is var unit && _blocks.At(unit) != 0 && _map.RegionAt(unit)?.Owner == this;
}
