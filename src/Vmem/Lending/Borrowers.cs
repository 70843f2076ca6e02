using System.Diagnostics.CodeAnalysis;
using Vmem.Checks;

namespace Vmem.Lending;

/// <summary>Those who borrow from one source: who of them may keep something, and how it comes back.</summary>
/// <remarks>
/// <para>
/// Arenas keep part of what they imported, so that they need not ask at every swing. "Fails only if nothing fits" must hold for a whole
/// tree of arenas. So a source that is about to fail asks for all that is kept above it.
/// </para>
/// <para>
/// <b>No storm.</b> Whoever comes to keep something says so once, and is listed. A recall takes the list; those who have given everything
/// back are off it until they keep something again. So a request that fails costs a step for each arena that has something to give, and for
/// each that has caches, of which nothing is known; idle ones cost nothing. One thread at a time recalls. A thread that had to wait for a
/// recall that began after its own look at the segments need not recall again.
/// </para>
/// <para>
/// What is kept above an arena is kept above its source, too. So an arena is listed in its source when somebody is listed in it.
/// </para>
/// <para>
/// <b>Locks.</b> The list's lock is a leaf: nothing else is taken under it, so arenas may list themselves under their own. The gate is held
/// during a recall, and entered with nothing held but the gates of sources below.
/// </para>
/// <para>Borrowers are referred to weakly: an arena that was dropped can be collected. Its entry goes with the next recall or sweep.</para>
/// </remarks>
/// <param name="owner">The source.</param>
/// <param name="below">Its place among those who borrow from its source; null if it has none.</param>
/// <param name="isShared">Whether more than one thread may come to the source.</param>
internal sealed class Borrowers(IBorrower owner, Membership? below, bool isShared)
{
    /// <summary>How many are listed before the first sweep. Arbitrary.</summary>
    private const int SweptFrom = 64;

    private readonly Gate _gate = new();
    private readonly List<Membership> _listed = [];
    private readonly List<(Membership Membership, IBorrower Borrower)> _remaining = [];         // under the gate
    private ArenaLock _lock;                      // of the list
    private int _sweepAt = SweptFrom;
    private long _begun;                          // recalls
    private bool _recalling;

    /// <summary>The source was dropped, and so were all above it: the handles that refer to them are nobody's.</summary>
    ~Borrowers()
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        while (_listed is { Count: > 0 })         // null if there was no memory to make it
        {
            Remove(_listed[^1]);
        }
    }

    /// <summary>Whether somebody waits for room in the source or below it, beside so many that listen to it.</summary>
    public bool IsWantedBeside(int listeners) => owner.IsWatchedBeside(listeners) || below is { IsWanted: true };

    /// <summary>See <see cref="IBorrower.Removals"/>.</summary>
    public long Removals => owner.Removals;

    public bool IsShared => isShared;

    /// <summary>How many recalls have begun: to be read before the segments are looked at.</summary>
    public long Begun => Volatile.Read(ref _begun);

    /// <summary>Whether nobody keeps anything, as far as known, and nothing is on its way back.</summary>
    public bool IsIdle
    {
        get
        {
            using ArenaLock.Scope held = _lock.EnterScope();
            return _listed.Count == 0 && !_recalling;
        }
    }

    /// <summary>The same, but for one borrower.</summary>
    public bool IsIdleBeside(Membership membership)
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        return !_recalling && (_listed.Count == 0 || (_listed.Count == 1 && membership.Place == 0));
    }

    /// <summary>A borrower may keep something. Throws <see cref="OutOfMemoryException"/>: then it is not listed.</summary>
    public void List(Membership membership, IBorrower borrower)
    {
        using (ArenaLock.Scope held = _lock.EnterScope())
        {
            Add(membership, borrower);
        }

        // Last: a recall in between would take the owner off its list, and find nobody here.
        if (below is not null && !below.TryNote(owner))
        {
            Unlist(membership);
        }
    }

    private void Add(Membership membership, IBorrower borrower)
    {
        if (membership.Place >= 0)
        {
            return;
        }

        if (_listed.Count >= _sweepAt)
        {
            Sweep();
        }

        membership.Refer(borrower);
        try
        {
            _listed.Add(membership);
        }
        catch
        {
            membership.Forget();
            throw;
        }

        membership.Place = _listed.Count - 1;
    }

    /// <summary>It does no more.</summary>
    public void Unlist(Membership membership)
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        if (membership.Place >= 0)
        {
            Remove(membership);
        }
    }

    /// <summary>Has everybody above give back what he keeps, if any may keep something. Under no lock.</summary>
    public void TakeBack()
    {
        long begun = Begun;
        if (IsIdle)
        {
            return;
        }

        var recall = Recall.Begin();
        try
        {
            GiveBack(begun, recall);
        }
        finally
        {
            recall.End();
        }
    }

    /// <summary>Has everybody above give back what he keeps, unless another thread has just seen to that.</summary>
    /// <param name="begun">What <see cref="Begun"/> was before the segments were looked at.</param>
    /// <param name="recall">Asks them; and tells whoever waits in the source, if anything came back.</param>
    public void GiveBack(long begun, Recall recall)
    {
        long given = recall.Given;
        using (_gate.EnterScope())
        {
            if (_begun != begun)
            {
                return;
            }

            try
            {
                AskAll(recall);
            }
            finally
            {
                if (recall.Given != given)
                {
                    recall.TellLater(owner);
                }

                using ArenaLock.Scope held = _lock.EnterScope();
                _recalling = false;
            }
        }
    }

    /// <summary>Asks those who are listed when it begins. The gate is held.</summary>
    private void AskAll(Recall recall)
    {
        int place;
        using (ArenaLock.Scope held = _lock.EnterScope())
        {
            _ = _remaining.EnsureCapacity(_listed.Count);
            _recalling = true;
            _begun++;
            place = _listed.Count - 1;
        }

        while (TryTake(ref place, out Membership? membership, out IBorrower? borrower))
        {
            if (borrower is not null && recall.Ask(borrower))
            {
                _remaining.Add((membership, borrower));
            }
        }

        _remaining.ForEach(static entry => entry.Membership.TryNote(entry.Borrower));
        _remaining.Clear();
    }

    /// <summary>Takes the one at this place off the list, or the last one if there are fewer by now; the next is the one before. Whoever
    /// comes meanwhile, and whoever takes the place of one that goes, lies behind: those who were there are all met.</summary>
    private bool TryTake(ref int place, [NotNullWhen(true)] out Membership? membership, out IBorrower? borrower)
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        place = Math.Min(place, _listed.Count - 1);
        membership = place < 0 ? null : _listed[place--];
        borrower = membership?.Borrower;
        if (membership is not null)
        {
            Remove(membership);
        }

        return membership is not null;
    }

    /// <summary>Takes an entry out: the last one takes its place. The list's lock is held.</summary>
    private void Remove(Membership membership)
    {
        Membership last = _listed[^1];
        _listed[membership.Place] = last;
        last.Place = membership.Place;
        _listed.RemoveAt(_listed.Count - 1);
        membership.Place = -1;
        membership.Forget();
    }

    /// <summary>Forgets those who were dropped. The list's lock is held.</summary>
    private void Sweep()
    {
        for (int place = _listed.Count; place-- > 0;)
        {
            if (_listed[place].Borrower is null)
            {
                Remove(_listed[place]);
            }
        }

        _sweepAt = Math.Max(SweptFrom, 2 * _listed.Count);
    }
}
