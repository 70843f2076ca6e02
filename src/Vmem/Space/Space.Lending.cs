using Vmem.Checks;
using Vmem.Lending;

namespace Vmem.Space;

// What arenas above keep of what this one lent them, and what this one keeps of its source.
internal sealed partial class Space<T>
{
    private Borrowers? _borrowers;                // made with the first arena above

    /// <summary>Those who borrow.</summary>
    public Borrowers Borrowers
    {
        get
        {
            if (Volatile.Read(ref _borrowers) is null)
            {
                _ = Interlocked.CompareExchange(ref _borrowers, new Borrowers(this, _imports?.Membership, _isShared), null);
            }

            return _borrowers!;
        }
    }

    /// <summary>Whether anybody has ever borrowed.</summary>
    public bool Lends => Volatile.Read(ref _borrowers) is not null;

    /// <summary>See <see cref="Recall.Tellings"/>.</summary>
    public static int Tellings => Recall.Tellings;

    /// <summary>Whether anything is imported. A hint where the lock is not held.</summary>
    public bool HasImports => _imports is { Count: > 0 };

    /// <summary>Whether somebody waits for room in the source, or below it, and not here or above: then nothing is kept.</summary>
    public bool IsWanted => _imports?.Membership is { IsWanted: true };

    /// <summary>Whether other arenas above a source that somebody else wrote may keep something of it.</summary>
    public bool MayOthersKeep =>
        _imports is { Source: SharedSource<T> source, Membership: { } membership } && !Recall.IsUnderWay &&
        (source.HasAside || !membership.IsAlone);

    /// <summary>It listens to the source, on behalf of those who wait here or above; −1: it is about to cease to. The lock is
    /// held.</summary>
    public void NoteListening(int by)
    {
        AssertHeld();
        _imports?.Membership?.NoteListening(by);
    }

    /// <inheritdoc/>
    bool IBorrower.IsWatchedBeside(int listeners) => IsWatched && (listeners == 0 || _watcher!.IsWatchedBeside(listeners));

    /// <summary>Leaves them.</summary>
    public void Leave() => _imports?.Leave();

    /// <summary>Takes back what arenas above keep, if any may keep something. Under no lock.</summary>
    /// <returns>What is to be ended under no lock; null if there was nothing to do.</returns>
    public Recall? TryRecall()
    {
        AssertNotHeld();
        if (!Lends || Borrowers.IsIdle)
        {
            return null;
        }

        Recall recall = Recall.Begin();
        try
        {
            TakeBackInto(recall);
            return recall;
        }
        catch
        {
            Conclusion.Undo(recall, static recall => recall.End());        // interrupted while another thread's was under way
            throw;
        }
    }

    /// <inheritdoc/>
    bool IBorrower.GiveBack(Recall recall)
    {
        long releases = Releases;
        try
        {
            TakeBackInto(recall);
            Caches?.GiveBack();
            _ = DetachEmpty();
            return Caches is not null && HasImports;
        }
        catch (ObjectDisposedException) when (HasEnded)
        {
            return false;                         // then all of it goes back
        }
        finally
        {
            if (Releases != releases)
            {
                recall.NoteGiven();
                recall.TellLater(this);           // who waits here may have waited for what the limit leaves now
            }
        }
    }

    /// <inheritdoc/>
    void IBorrower.EndRecall()
    {
        if (Volatile.Read(ref _watcher) is { } watcher)
        {
            watcher.RoomMayHaveCome(isOwnRelease: false, mayImport: true);
            return;
        }

        Conclusion end = default;
        _ = DetachSurplus().ReleaseSpans(Name, Source, ref end);       // what became empty during the recall
        end.Throw();
    }

    /// <summary>The same as a part of the recall of a source below.</summary>
    private void TakeBackInto(Recall recall)
    {
        if (!Lends)
        {
            return;
        }

        Borrowers borrowers = Borrowers;
        long begun = borrowers.Begun;
        if (!borrowers.IsIdle)
        {
            borrowers.GiveBack(begun, recall);
        }
    }
}
