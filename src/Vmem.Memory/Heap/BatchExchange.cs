using Vmem.Checks;

namespace Vmem.Memory.Heap;

/// <summary>Whole batches on their way from threads that free to threads that allocate: a few places in front of a class's depot.</summary>
/// <remarks>
/// <para>
/// Where one thread allocates what another frees, a batch goes each way as often as they empty and fill a magazine. Through the depot both
/// need the class's lock for it, and one mostly has to wait for the other. Here a batch is put or taken by one interlocked exchange of a
/// place's state, and nobody waits: who finds no place goes to the depot.
/// </para>
/// <para>
/// A place's state counts up: empty, being filled, full, being emptied, and empty again. So whoever looks twice also sees whether somebody
/// was there in between. The states of all places lie on one line, which is the only one that both write but for the blocks' own.
/// </para>
/// <para>When the heap ends, every place is held for good (<see cref="Close"/>). A thread that is late finds none: what it would take is
/// the next heap's memory.</para>
/// </remarks>
internal sealed class BatchExchange
{
    /// <summary>The most places that there are. Arbitrary.</summary>
    public const int MostPlaces = 8;

    // What lies here at most, in bytes of blocks: arbitrary, a quarter of what the depot may hold.
    private const int MostBytes = 128 * 1024;

    private const int Padding = 64 / sizeof(int);              // a cache line in front of the states: the array's length is beside them
    private const int Full = 2;
    private const int PhaseMask = 3;

    private readonly int _length;
    private readonly int _places;
    private readonly nuint[] _blocks;
    private readonly Shared<int>[] _states;
    private readonly int[] _seen;                 // the states at the end of the last interval

    /// <param name="length">How many blocks a batch has.</param>
    /// <param name="size">How long a block is, in bytes.</param>
    public BatchExchange(int length, int size)
    {
        _length = length;
        _places = Math.Clamp(MostBytes / (length * size), 2, MostPlaces);
        _blocks = new nuint[_places * length];
        _states = new Shared<int>[_places + (2 * Padding)];
        _seen = new int[_places];
    }

    /// <summary>How many blocks a batch has.</summary>
    public int Length => _length;

    /// <summary>Blocks that lie here, as of some moment. What is being put or taken is on its way.</summary>
    public int Count
    {
        get
        {
            int count = 0;
            for (int place = 0; place < _places; place++)
            {
                count += IsFull(_states[Padding + place].VolatileRead()) ? _length : 0;
            }

            return count;
        }
    }

    /// <summary>Puts a batch here, if it is a whole one, and there is a place.</summary>
    public bool TryPut(ReadOnlySpan<nuint> batch)
    {
        for (int place = 0; place < _places && batch.Length == _length; place++)
        {
            ref Shared<int> shared = ref _states[Padding + place];
            int state = shared.VolatileRead();
            if ((state & PhaseMask) == 0 && shared.CompareExchange(state + 1, state) == state)
            {
                StepCounter.CountShared();
                batch.CopyTo(At(place));
                shared.VolatileWrite(state + Full);
                return true;
            }
        }

        return false;
    }

    /// <summary>Takes a batch.</summary>
    /// <param name="batch">Has room for one.</param>
    /// <param name="staleOnly">Only one that lay here when an interval ended the last time.</param>
    public bool TryTake(Span<nuint> batch, bool staleOnly = false)
    {
        for (int place = 0; place < _places; place++)
        {
            ref Shared<int> shared = ref _states[Padding + place];
            int state = shared.VolatileRead();
            if (IsFull(state) && (!staleOnly || state == _seen[place]) && shared.CompareExchange(state + 1, state) == state)
            {
                StepCounter.CountShared();
                At(place).CopyTo(batch);
                shared.VolatileWrite(unchecked(state + 2));
                return true;
            }
        }

        return false;
    }

    /// <summary>An interval ends. One thread at a time.</summary>
    public void EndInterval()
    {
        for (int place = 0; place < _places; place++)
        {
            _seen[place] = _states[Padding + place].VolatileRead();
        }
    }

    /// <summary>Adds all blocks that lie here. Nothing is put or taken meanwhile. The caller holds no lock that a thread might wait for
    /// within a call.</summary>
    public void CopyTo(List<nuint> blocks)
    {
        Span<int> before = stackalloc int[MostPlaces];
        for (int place = 0; place < _places; place++)
        {
            before[place] = Hold(ref _states[Padding + place]);
        }

        try
        {
            for (int place = 0; place < _places; place++)
            {
                if (IsFull(before[place]))
                {
                    blocks.AddRange(At(place));
                }
            }
        }
        finally
        {
            for (int place = 0; place < _places; place++)
            {
                _states[Padding + place].VolatileWrite(before[place]);
            }
        }
    }

    /// <summary>Nothing is put or taken any more, once this returns. Called once.</summary>
    public void Close()
    {
        for (int place = 0; place < _places; place++)
        {
            _ = Hold(ref _states[Padding + place]);
        }
    }

    private static bool IsFull(int state) => (state & PhaseMask) == Full;

    /// <summary>Waits until nobody is at a place, and keeps others from it.</summary>
    private static int Hold(ref Shared<int> shared)
    {
        using var spin = new Spin();
        while (true)
        {
            int state = shared.VolatileRead();
            if ((state & 1) == 0 && shared.CompareExchange(state + 1, state) == state)
            {
                return state;
            }

            spin.Pause();
        }
    }

    private Span<nuint> At(int place) => _blocks.AsSpan(place * _length, _length);
}
