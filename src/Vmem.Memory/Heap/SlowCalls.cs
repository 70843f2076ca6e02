using Vmem.Checks;

namespace Vmem.Memory.Heap;

/// <summary>Whether calls of a heap are under way that reach below its magazines.</summary>
/// <remarks>
/// A heap must not be in use when it is disposed of. Where that promise is broken, what such a call still gives back must not reach the
/// next heap: so what lies below is only used again if no call is under way (<see cref="SpareHeaps"/>). The count costs two interlocked
/// instructions, on a word that all threads share. So it ends after as many calls as take longer than making a heap: one that was used so
/// much is not used again.
/// </remarks>
internal struct SlowCalls
{
    private const int Most = 1_000;
    private const int Begun = 1 << 16;

    private int _state;                           // calls under way, and those that ever began times 2^16; negative: not counted any more

    /// <summary>A call begins: before it looks whether the heap has ended. False if it is not counted.</summary>
    public bool TryBegin()
    {
        if (Volatile.Read(ref _state) < 0)
        {
            return false;
        }

        StepCounter.CountShared();
        if (Interlocked.Add(ref _state, Begun + 1) >= Most * Begun)
        {
            _ = Interlocked.Or(ref _state, int.MinValue);
        }

        return true;
    }

    /// <summary>A call ends that was counted.</summary>
    public void End()
    {
        StepCounter.CountShared();
        _ = Interlocked.Decrement(ref _state);
    }

    /// <summary>True if no call is under way. Asked after the heap has ended, so that none begins any more.</summary>
    public bool NoneUnderWay => Volatile.Read(ref _state) is >= 0 and var state && (state & (Begun - 1)) == 0;
}
