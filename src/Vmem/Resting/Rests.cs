using System.Numerics;
using Vmem.Lifetimes;

namespace Vmem.Resting;

/// <summary>What rests in an arena, until when, and which time it is.</summary>
/// <remarks>
/// <para>
/// A range that rests is a segment that nobody holds and nothing is taken from: it is neither in the table of live segments nor in a free
/// list, and does not coalesce. Here is when that ends. There are two queues: one by time, one by fence.
/// </para>
/// <para>
/// Time is counted from the first rest on, in ticks, by the timestamps of the arena's clock, whose count may wrap around: only differences
/// are used. A clock that goes back lets rests end later, and one that jumps ahead earlier. What is out of order then is in order
/// again in the queue.
/// </para>
/// <para>Under the arena's lock, but for <see cref="Now"/>: a clock is others' code.</para>
/// </remarks>
#pragma warning disable CA1001 // The tables go with their keeper.
internal sealed class Rests<T>
#pragma warning restore CA1001
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly Tables _tables = new();
    private readonly TableKeeper _keeper;
    private readonly TimeProvider _time;
    private readonly long _beginning;
    private bool _isCompleted;                    // a fence is
    private ulong _completed;

    /// <param name="space">Whose ranges rest.</param>
    /// <param name="time">Its clock.</param>
    public Rests(object space, TimeProvider time)
    {
        _time = time;
        _beginning = time.GetTimestamp();
        _keeper = new TableKeeper(space, _tables);
    }

    /// <summary>Rests that a time ends.</summary>
    public ref RestQueue<T> Timed => ref _tables.Timed;

    /// <summary>Rests that a fence ends.</summary>
    public ref RestQueue<T> Fenced => ref _tables.Fenced;

    public long Count => _tables.Timed.Count + _tables.Fenced.Count;

    public long Bytes => _tables.Timed.Bytes + _tables.Fenced.Bytes;

    /// <summary>What wakes the arena; null: it has one thread, or nothing has rested for a time yet.</summary>
    public RestTimer? Timer { get; set; }

    /// <summary>Whether the timer is set to another time than the end of the first rest, or was a moment ago: a hint where the lock is not
    /// held, but true to the thread that has just changed what rests.</summary>
    public bool IsTimerWrong { get; private set; }

    /// <summary>What rests for a time has changed, or the timer has.</summary>
    public void NoteTimer() => IsTimerWrong = Timer is not null && Timer.IsWrong(_tables.Timed.Next);

    /// <summary>A range begins to rest: its memory was reserved.</summary>
    public void Add(RestUntil until, T start, uint tag)
    {
        QueueOf(until.IsFence).Add(until.At, start, tag);
        NoteTimer();
    }

    /// <summary>The first rest of a queue has ended.</summary>
    public void RemoveFirst(bool isFence)
    {
        QueueOf(isFence).RemoveFirst();
        NoteTimer();
    }

    /// <summary>Makes sure that <see cref="RemoveWithin"/> needs no memory. Throws <see cref="OutOfMemoryException"/>, having changed
    /// nothing.</summary>
    public void ReserveRemoval()
    {
        _tables.Timed.ReserveRemoval();
        _tables.Fenced.ReserveRemoval();
    }

    /// <summary>What begins within a range rests no more: it is gone. O(n log n).</summary>
    public void RemoveWithin(T start, T size)
    {
        _tables.Timed.RemoveWithin(start, size);
        _tables.Fenced.RemoveWithin(start, size);
        NoteTimer();
    }

    /// <summary>The last fence that has been completed; null: none has.</summary>
    public ulong? Completed
    {
        get => _isCompleted ? _completed : null;
        set => (_isCompleted, _completed) = (value is not null, value ?? 0);
    }

    /// <summary>Which time it is. Under no lock.</summary>
    public ulong Now => (ulong)Math.Max(0, _time.GetElapsedTime(_beginning, _time.GetTimestamp()).Ticks);

    /// <summary>When a rest ends that begins now. Far beyond all times it never does. Under no lock.</summary>
    public RestUntil After(TimeSpan delay) =>
        delay <= TimeSpan.Zero ? default : new RestUntil(Math.Min(Now + (ulong)delay.Ticks, ulong.MaxValue - 1));

    /// <summary>Whether that has come already, as far as is known.</summary>
    public bool IsOver(RestUntil until) => until.IsFence ? _isCompleted && until.At <= _completed : until.IsNow;

    public ref RestQueue<T> QueueOf(bool isFence) => ref isFence ? ref _tables.Fenced : ref _tables.Timed;

    /// <summary>Gives the tables back. Called once.</summary>
    public void Release() => _keeper.End();

    private sealed class Tables : IDisposable
    {
        public RestQueue<T> Timed;
        public RestQueue<T> Fenced;

        public void Dispose()
        {
            Timed.Release();
            Fenced.Release();
        }
    }
}
