using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Recording;

/// <summary>Records on their way from the threads that use an arena to the one that writes them down: a ring of fixed size.</summary>
/// <remarks>
/// <para>
/// A thread <em>reserves</em> the next place, fills it, and <em>publishes</em> it. The numbers of the places are the order of the
/// recording. Nothing blocks between the two steps, so the writer, who takes the records in order, waits for an unpublished one for some
/// nanoseconds, or for as long as its thread lost the processor.
/// </para>
/// <para>
/// Reserving is a compare-and-swap, and not an addition: a place must not be given out before the writer has emptied it, as the thread
/// that got it might have to give up waiting, and would leave a hole that nobody fills.
/// </para>
/// <para>
/// When the ring is full a thread waits for the writer, up to a limit. Then the ring is <em>behind</em>: until the writer has emptied it
/// no record comes in, and those that should have are counted. The writer notes the gap and opens the ring again. So memory is bounded,
/// a stream that stands still costs one wait, and a gap lies between two records whose places are known.
/// </para>
/// <para>
/// Rejected: a ring for each thread. Their records would need a common order, which is a shared counter again, or a clock, which costs
/// 25 ns a reading; and a merge. Rejected: native memory. A late thread may still publish into the ring of a recording that has ended.
/// </para>
/// </remarks>
#pragma warning disable CA1001 // A late thread may wake the writer of a recording that has ended: the event is left to its finaliser.
internal sealed class RecordRing<T>
#pragma warning restore CA1001
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private const int KindBits = 3;
    private const int Open = 0;
    private const int Behind = 1;
    private const int Closed = 2;
    private const long Final = long.MinValue;     // a bit of the count of losses: the ring is closed

    private readonly Slot[] _slots;
    private readonly long _mask;
    private readonly long _wakeMask;
    private readonly long _patienceTicks;
    private readonly AutoResetEvent _wake = new(false);
    private RingCursors _cursors;

    /// <summary>Makes an empty ring.</summary>
    /// <param name="capacity">How many records it holds, a power of two.</param>
    /// <param name="patience">How long a thread waits when it is full; infinite: for ever.</param>
    public RecordRing(int capacity, TimeSpan patience)
    {
        _slots = new Slot[capacity];
        _mask = capacity - 1;
        _wakeMask = (capacity >> 1) - 1;
        _patienceTicks = patience == Timeout.InfiniteTimeSpan ? long.MaxValue : (long)(patience.TotalSeconds * Stopwatch.Frequency);
    }

    /// <summary>The thread that takes the records: it never waits for itself. Set before the first one is reserved.</summary>
    public Thread? Writer { get; set; }

    /// <summary>How many records could not be taken in. Once the ring is closed it does not change any more.</summary>
    public long Lost => Volatile.Read(ref _cursors.Lost) & long.MaxValue;

    /// <summary>Whether nothing is reserved that was not taken.</summary>
    public bool IsEmpty => Volatile.Read(ref _cursors.Reserved) == _cursors.Taken;

    /// <summary>Whether records are turned away until the ring is empty.</summary>
    public bool IsBehind => Volatile.Read(ref _cursors.State) == Behind;

    /// <summary>Puts a record in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(RecordKind kind, T start, T size, ulong tag)
    {
        if (TryReserve(out long place))
        {
            Publish(place, kind, start, size, tag);
        }
    }

    /// <summary>Reserves the next place, which must be published without anything between that could block.</summary>
    /// <returns>False if the record cannot be taken in.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReserve(out long place)
    {
        place = Volatile.Read(ref _cursors.Reserved);
        return (Volatile.Read(ref _cursors.State) == Open && HasRoom(place) && TryAdvance(place)) || TryReserveSlowly(out place);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Publish(long place, RecordKind kind, T start, T size, ulong tag)
    {
        ref Slot slot = ref _slots[place & _mask];
        Invariant.Assert(HasRoom(place), "a place is filled after the writer has emptied it");
        slot.Start = start;
        slot.Size = size;
        slot.Tag = tag;
        Volatile.Write(ref slot.Stamp, StampOf(place) | (uint)kind);
    }

    /// <summary>The next record, if it is published. Writer only.</summary>
    /// <param name="place">Its place: the first after <see cref="Release"/>, and so on.</param>
    /// <param name="kind">What it says.</param>
    /// <returns>The record, or a null reference.</returns>
    public ref readonly Slot Peek(long place, out RecordKind kind)
    {
        ref Slot slot = ref _slots[place & _mask];
        long stamp = Volatile.Read(ref slot.Stamp);
        kind = (RecordKind)(stamp & ((1 << KindBits) - 1));
        return ref (stamp >> KindBits == place + 1 ? ref slot : ref Unsafe.NullRef<Slot>());
    }

    /// <summary>The first place that was not taken. Writer only.</summary>
    public long First => _cursors.Taken;

    /// <summary>Everything before this place was taken. Writer only.</summary>
    public void Release(long place)
    {
        Invariant.Assert(place >= _cursors.Taken && place <= Volatile.Read(ref _cursors.Reserved), "what is taken was reserved");
        Volatile.Write(ref _cursors.Taken, place);
    }

    /// <summary>Takes records in again. Writer only, when the ring is empty. <see cref="Lost"/> has everybody then who was turned away
    /// before what comes in now, to be noted as a gap before that.</summary>
    public void Reopen() => Interlocked.CompareExchange(ref _cursors.State, Open, Behind);

    /// <summary>Takes nothing in any more, and counts nothing as lost.</summary>
    public void Close()
    {
        _ = Interlocked.Exchange(ref _cursors.State, Closed);
        _ = Interlocked.Or(ref _cursors.Lost, Final);
        Wake();
    }

    /// <summary>Waits until the ring is half full, or somebody waits for room, or the ring was closed, or the time has passed. Writer
    /// only.</summary>
    public void AwaitRecords(TimeSpan time) => _wake.WaitOne(time);

    public void Wake() => _wake.Set();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool HasRoom(long place) => place - Volatile.Read(ref _cursors.Taken) < _slots.Length;

    private static long StampOf(long place) => (place + 1) << KindBits;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryAdvance(long place)
    {
        if (Interlocked.CompareExchange(ref _cursors.Reserved, place + 1, place) != place)
        {
            return false;
        }

        if ((place & _wakeMask) == _wakeMask)
        {
            Wake();
        }

        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryReserveSlowly(out long place)
    {
        while (true)
        {
            place = Volatile.Read(ref _cursors.Reserved);
            if (Volatile.Read(ref _cursors.State) != Open || (!HasRoom(place) && !TryAwaitRoom()))
            {
                if (TryCountLoss())
                {
                    // Counted, then said: should the writer have opened the ring meanwhile, another gap begins.
                    _ = Interlocked.CompareExchange(ref _cursors.State, Behind, Open);
                }

                return false;
            }

            if (HasRoom(place) && TryAdvance(place))
            {
                return true;
            }
        }
    }

    /// <summary>False, and nothing is counted, if the ring was closed: the last gap may have been noted. A look at the state would not do:
    /// it may be closed between that and the count.</summary>
    private bool TryCountLoss()
    {
        long lost = Volatile.Read(ref _cursors.Lost);
        for (long seen; lost >= 0; lost = seen)
        {
            seen = Interlocked.CompareExchange(ref _cursors.Lost, lost + 1, lost);
            if (seen == lost)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Waits for the writer. An interrupt is left for the thread's next wait: it may hold the arena's lock.</summary>
    /// <returns>False if the time has passed, or nothing comes in any more.</returns>
    private bool TryAwaitRoom()
    {
        bool patient = Thread.CurrentThread != Writer && _patienceTicks > 0;
        using var interrupts = new DeferredInterrupt();
        long began = Stopwatch.GetTimestamp();
        long reserved = Volatile.Read(ref _cursors.Reserved);
        Wake();
        bool full;
        while ((full = !HasRoom(reserved)) && patient && Volatile.Read(ref _cursors.State) == Open)
        {
            if (!Thread.Yield())
            {
                interrupts.Sleep();
            }

            patient = Stopwatch.GetTimestamp() - began < _patienceTicks;
        }

        if (full)
        {
            _ = Interlocked.CompareExchange(ref _cursors.State, Behind, Open);
        }

        return !full;
    }

    /// <summary>One record.</summary>
    internal struct Slot
    {
        /// <summary>The place plus 1, and the kind: written last.</summary>
        public long Stamp;
        public ulong Tag;
        public T Start;
        public T Size;
    }
}

/// <summary>What all threads write, and what they only read, on lines of their own. No part of the ring's type: a generic one has no
/// explicit layout.</summary>
[StructLayout(LayoutKind.Explicit, Size = 384)]
internal struct RingCursors
{
    /// <summary>How many places were reserved.</summary>
    [FieldOffset(128)]
    public long Reserved;

    /// <summary>How many were taken by the writer.</summary>
    [FieldOffset(256)]
    public long Taken;

    [FieldOffset(264)]
    public int State;

    /// <summary>How many records were turned away, and a bit that says that no more are counted.</summary>
    [FieldOffset(272)]
    public long Lost;
}
