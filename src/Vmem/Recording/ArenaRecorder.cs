using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Recording;

/// <summary>Records what happens in one arena.</summary>
/// <remarks>
/// <para>
/// <b>Order.</b> A recording is one sequence, and must make sense in it: a range is allocated after whatever held its values before was
/// freed. So an allocation takes its place in the <see cref="RecordRing{T}"/> after it has its range, and a free takes its place before the
/// range is anybody else's. Under the arena's lock that is so anywhere between entering and leaving. In front of the lock, in a magazine, a
/// free reserves its place, gives the range back, and then publishes the record, or an empty one if the magazine had no room.
/// </para>
/// <para>
/// <b>Diverting.</b> An arena that is not recorded asks nothing on its fast paths. A recorded one answers what they ask anyway so that they
/// leave them, as an audited one does: it is not plain, no fit is sure, and it shows no magazines. A thread may have
/// looked at the magazines just before they were hidden. So they are emptied for good when a recording begins or ends, and
/// others take their place (<see cref="Caching.MagazineLayer{T}"/>): late comers find nothing in the old ones and no room, and come to the
/// slow path.
/// </para>
/// <para>
/// <b>Writing.</b> A thread of its own takes the records out, turns them into text, and calls the stream. No operation of the arena ever
/// does: a stream may be slow, may throw, and may use the arena. It wakes each <see cref="Interval"/>, and when the ring is half full. It
/// notes the time once for each lot that it finds, so that no operation reads a clock.
/// </para>
/// <para>
/// <b>Faults.</b> If the stream throws, the recording has ended: the ring closes, operations find it closed and go on. The arena is not
/// touched from here, since a single-threaded one may not be; its user's next call to <see cref="ArenaRecording.Dispose"/>
/// restores the fast paths.
/// </para>
/// <para>
/// Rejected: recording in a wrapper around the arena, which sees calls instead of ranges; grants to those who wait and imports by other
/// arenas would pass it by. Rejected: taking the lock for every operation while recorded; cached pairs would no longer scale, and what was
/// recorded would be another program.
/// </para>
/// </remarks>
internal sealed class ArenaRecorder<T> : Recorder
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How often the writer looks: the precision of the times in a recording, and how much a crash loses. Arbitrary: what
    /// heaptrack does.</summary>
    internal static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(10);

    /// <summary>So many records have one time stamp, and give back their places together. Arbitrary: some ten microseconds.</summary>
    private const int Lot = 512;

    private readonly RecordRing<T> _ring;
    private readonly RecordText<T> _text;
    private readonly RecordLines<T> _lines;
    private readonly TimeProvider _time;
    private readonly long _began;
    private readonly WeakReference<object> _arena;
    private readonly T _quantum;
    private readonly int _unitShift;
    private List<Segment<T>> _atFirst = [];
    private long _lookedAt;                       // in microseconds since the beginning

    /// <summary>Records an arena by what it is called and counts in; the arena itself is only watched, to see whether anybody still has
    /// it.</summary>
    public ArenaRecorder(object arena, string name, T quantum, Stream stream, ArenaRecordingOptions options, TimeProvider time)
        : base(name, stream, options.LeaveOpen)
    {
        _arena = new WeakReference<object>(arena);
        _quantum = quantum;
        _unitShift = Unsafe.SizeOf<T>() <= sizeof(ulong) ? 0 : int.CreateTruncating(T.TrailingZeroCount(_quantum));
        _ring = new RecordRing<T>(options.Capacity, options.MaxWait) { Writer = Thread };
        _text = new RecordText<T>(stream, _unitShift);
        _lines = new RecordLines<T>(_text, options.TagName);
        _time = time;
        _began = time.GetTimestamp();
    }

    public override long Events => _lines.Events;

    public override long Lost => _ring.Lost;

    public override long BytesWritten => _text.BytesWritten;

    /// <summary>What the arena consists of when the recording begins: written before everything else.</summary>
    /// <param name="segments">Spans, each followed by its segments.</param>
    public void Begin(List<Segment<T>> segments) => _atFirst = segments;

    /// <summary>A range was allocated; the caller has it, or holds the arena's lock.</summary>
    public void Allocated(T start, T size) => _ring.Add(RecordKind.Allocate, start, size, RecordingTag.Current);

    /// <summary>A range is being freed; the arena's lock is held.</summary>
    public void Freed(T start) => _ring.Add(RecordKind.Free, start, default, 0);

    /// <summary>A range has another size now; the arena's lock is held.</summary>
    public void Resized(T start, T size) => _ring.Add(RecordKind.Resize, start, size, 0);

    /// <summary>The arena has another span; its lock is held.</summary>
    public void Added(T start, T size) => _ring.Add(RecordKind.AddSpan, start, size, 0);

    /// <summary>A span is being removed; the arena's lock is held.</summary>
    public void Removed(T start, T size) => _ring.Add(RecordKind.RemoveSpan, start, size, 0);

    /// <summary>A range is about to be freed into a magazine: to be followed by <see cref="EndFree"/>, without anything between that could
    /// block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public long BeginFree() => _ring.TryReserve(out long place) ? place : -1;

    /// <param name="place">What <see cref="BeginFree"/> gave.</param>
    /// <param name="start">The range.</param>
    /// <param name="freed">Whether it was freed.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EndFree(long place, T start, bool freed)
    {
        if (place >= 0)
        {
            _ring.Publish(place, freed ? RecordKind.Free : RecordKind.None, start, default, 0);
        }
    }

    protected override void CloseRing() => _ring.Close();

    protected override void Write()
    {
        _lines.Head(Name, _quantum, _unitShift > 0, _atFirst);
        _atFirst = [];
        bool more = true;
        while (more)
        {
            bool ending = IsEnding || !IsArenaInUse();
            bool rest = TryWriteLot();
            if (_ring.IsEmpty && _ring.IsBehind)
            {
                _ring.Reopen();                   // first: whoever is turned away after the count has a gap of its own
                _lines.Gap(Lost);
            }

            more = !ending || !_ring.IsEmpty;
            if (!rest)
            {
                _text.Flush();
                _lookedAt = Elapsed();
                _ring.AwaitRecords(ending ? TimeSpan.Zero : Interval);
            }
        }

        _lines.Gap(Lost);
        _lines.End();
        _text.Flush();
    }

    /// <summary>Writes some of what is in the ring, up to the first record that is not published yet, between two time stamps: that of the
    /// last look that found nothing, and now.</summary>
    /// <returns>Whether there may be more.</returns>
    private bool TryWriteLot()
    {
        long first = _ring.First;
        long place = first;
        for (; place < first + Lot; place++)
        {
            ref readonly RecordRing<T>.Slot slot = ref _ring.Peek(place, out RecordKind kind);
            if (Unsafe.IsNullRef(in slot))
            {
                break;
            }

            if (place == first)
            {
                _lines.Time(_lookedAt);
            }

            _lines.Record(kind, slot);
        }

        _ring.Release(place);
        if (place > first)
        {
            _lookedAt = Elapsed();
            _lines.Time(_lookedAt);
        }

        return place == first + Lot;
    }

    private long Elapsed() => (long)_time.GetElapsedTime(_began).TotalMicroseconds;

    /// <summary>Whether anybody can still use the arena. If not, and nobody has disposed it, the recording ends. In a method of its own, so
    /// that its caller keeps no reference.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool IsArenaInUse() => _arena.TryGetTarget(out _);
}
