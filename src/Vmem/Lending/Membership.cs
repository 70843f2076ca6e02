using System.Runtime.InteropServices;

namespace Vmem.Lending;

/// <summary>An arena among those who borrow from its source. It is listed only while it may keep something.</summary>
internal sealed class Membership(Borrowers borrowers)
{
    private WeakGCHandle<IBorrower> _borrower;    // not WeakReference, whose finaliser every arena would pay for
    private int _place = -1;                      // in the list of the source, under its lock

    private long _listening;                      // how often the borrower listens to the source; from bit 32 on, the changes of that

    /// <summary>Whether somebody waits for room in the source, or below it, who does not do so in or above the borrower: then nothing is
    /// kept. True, too, if that is in question.</summary>
    public bool IsWanted
    {
        get
        {
            long listening = Volatile.Read(ref _listening);
            return borrowers.IsWantedBeside((int)listening) || Volatile.Read(ref _listening) != listening;
        }
    }

    /// <summary>Whether nobody else keeps anything of the source, as far as known, and nothing is on its way back.</summary>
    public bool IsAlone => borrowers.IsIdleBeside(this);

    /// <summary>The borrower has come to listen, or is about to cease to. Under its lock.</summary>
    public void NoteListening(int by)
    {
        int count = Math.Max((int)_listening + by, 0);
        Volatile.Write(ref _listening, (((_listening >> 32) + 1) << 32) | (uint)count);
    }

    /// <summary>Where it is in the list; −1: nowhere.</summary>
    public int Place
    {
        get => Volatile.Read(ref _place);
        set => Volatile.Write(ref _place, value);
    }

    /// <summary>The borrower keeps something. May be called under its lock.</summary>
    /// <returns>False if there is no memory to note it. Who frees must not fail for that: a recall misses what is kept until the borrower
    /// says so again.</returns>
    public bool TryNote(IBorrower borrower)
    {
        try
        {
            if (Place < 0)
            {
                borrowers.List(this, borrower);
            }

            return Place >= 0;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>The borrower is no more.</summary>
    public void Leave() => borrowers.Unlist(this);

    /// <summary>Begins to refer to the borrower. Under the list's lock.</summary>
    public void Refer(IBorrower borrower) => _borrower = new WeakGCHandle<IBorrower>(borrower);

    /// <summary>Ends it. Under the list's lock.</summary>
    public void Forget() => _borrower.Dispose();

    /// <summary>The borrower; null if it was dropped. Under the list's lock.</summary>
    public IBorrower? Borrower => _borrower.TryGetTarget(out IBorrower? borrower) ? borrower : null;
}
