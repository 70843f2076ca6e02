using System.Numerics;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using Vmem.Checks;

namespace Vmem.Leasing.Journals;

/// <summary>The ranges that an arena has handed out, noted in two mapped files: the exact mode of a durable arena.</summary>
/// <remarks>
/// <para>
/// One file counts: a snapshot of what is live, and each allocation and free since. When it is nearly full, the other is written: a new
/// snapshot, then its header, by which it counts. A process that dies in between leaves the old one, whole.
/// </para>
/// <para>
/// <b>Order.</b> What is noted happens under one lock with its note: a range is allocated, then noted, then handed out; a free is noted
/// before the range can be anybody else's. So the snapshot, which is read from the arena under that lock, and the notes agree.
/// </para>
/// <para>
/// <b>Room.</b> A place is kept for each live range: a free never fails for want of one. When there is none beyond those, an allocation has
/// the other file written, and fails if the disk is full.
/// </para>
/// <para>
/// Rejected: a ring. What is live and old would have to be carried around it. Rejected: the live ranges in a table here, to make snapshots
/// from. It costs each operation more than its note. Rejected: notes without a lock, in places that a counter gives. A death would leave
/// gaps in front of what was handed out.
/// </para>
/// </remarks>
internal sealed class RangeJournal<T> : IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    // 2 MiB: a new snapshot every 60,000 notes at most. Arbitrary.
    internal const long FewestRecords = 65_536;

    private readonly string[] _paths;
    private readonly ulong _arena;
    private readonly Func<NoteBuffer<T>> _readLive;
    private readonly Action<SafeFileHandle> _flushToDisk;
    private readonly Gate _flushing = new();
    private readonly JournalFile<T>?[] _files = new JournalFile<T>?[2];
    private ArenaLock _lock;
    private JournalFile<T> _file;                 // the one that counts
    private int _place;                           // which of the two
    private ulong _generation;
    private long _count;                          // records in it
    private long _live;                           // ranges that a place is kept for
    private bool _isClosed;

    /// <summary>Begins a journal: writes the first snapshot.</summary>
    /// <param name="path">Where; the second file has the same path with <c>-2</c>.</param>
    /// <param name="arena">The sum of the arena's name and kind.</param>
    /// <param name="former">What was there.</param>
    /// <param name="live">What of it is live, in order of address.</param>
    /// <param name="readLive">Reads what is live later on; called while nothing is allocated or freed.</param>
    /// <param name="flushToDisk">Waits until the disk has what was written to a file; null: as the system does.</param>
    public RangeJournal(string path, ulong arena, JournalRecovery<T> former, ReadOnlySpan<JournalNote<T>> live,
        Func<NoteBuffer<T>> readLive, Action<SafeFileHandle>? flushToDisk = null)
    {
        _flushToDisk = flushToDisk ?? RandomAccess.FlushToDisk;
        _paths = PathsOf(path);
        _arena = arena;
        _readLive = readLive;
        (_generation, _place) = (former.Generation, former.Place);
        _file = null!;
        try
        {
            WriteAnew(live);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Dispose();
            throw Full(fault);
        }
    }

    /// <summary>How often a snapshot was written.</summary>
    public int Snapshots { get; private set; }

    /// <summary>How often it waited for the disk.</summary>
    public int Flushes { get; private set; }

    public static string[] PathsOf(string path) => [path, path + "-2"];

    /// <summary>Begins an allocation or a free: until <see cref="Exit"/> nobody else does.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enter() => _lock.Enter();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Exit() => _lock.Exit();

    /// <summary>Makes sure of a place for an allocation. The lock is held.</summary>
    /// <returns>False: it is closed.</returns>
    /// <exception cref="LeaseJournalException">The disk is full.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryReserve() => (_count + _live + 1 < _file.Capacity && !_isClosed) || TryMakeRoom();

    /// <summary>Notes an allocation, for which there is a place. The lock is held.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Allocated(T start, T size)
    {
        _file.Write(_generation, _count++, start, size, isFree: false);
        _live++;
    }

    /// <summary>Notes a free, before it is done. The lock is held.</summary>
    /// <returns>False: it is closed, and nothing may be freed any more.</returns>
    /// <exception cref="LeaseJournalException">Refused frees have used up all places, and the disk is full.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryFree(T start, T size)
    {
        if ((_isClosed || _count >= _file.Capacity) && !TryMakeRoom())
        {
            return false;
        }

        _file.Write(_generation, _count++, start, size, isFree: true);
        return true;
    }

    /// <summary>What was noted as freed was live: its place is not kept any more. The lock is held.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Freed() => _live--;

    /// <summary>Notes that ranges went with their span. The arena has none of them any more, so a snapshot would not, either. The lock is
    /// held.</summary>
    /// <exception cref="LeaseJournalException">Refused frees have used up all places, and the disk is full.</exception>
    public void Revoked(IReadOnlyList<Segment<T>> ranges)
    {
        for (int i = 0; i < ranges.Count && !_isClosed; i++)
        {
            if (_count >= _file.Capacity)
            {
                _ = TryMakeRoom();
                return;
            }

            _file.Write(_generation, _count++, ranges[i].Start, ranges[i].Size, isFree: true);
            _live--;
        }
    }

    /// <summary>Waits until all that was noted so far is on the disk. Those who wait together share a flush.</summary>
    /// <exception cref="IOException">The disk failed. The next call writes everything anew, into the other file.</exception>
    /// <exception cref="LeaseJournalException">The disk failed before, and it is full, or fails again.</exception>
    /// <exception cref="ObjectDisposedException">It is closed.</exception>
    public void Flush()
    {
        (_, ulong wanted, long most) = Look();
        using (_flushing.EnterScope())
        {
            while (!IsFlushed(wanted, most))
            {
                LeaveDoubt();
                (JournalFile<T> file, ulong generation, long count) = Look();
                if (TryFlush(file))
                {
                    NoteFlushed(generation, count);
                }
            }
        }
    }

    /// <summary>Ends it. The files stay.</summary>
    public void Dispose()
    {
        Enter();
        _isClosed = true;
        Exit();
        using (_flushing.EnterScope())            // a flush that is under way has the files
        {
            Array.ForEach(_files, static file => file?.Dispose());
            Array.Clear(_files);
        }
    }

    /// <summary>Whether the disk has so many records of a generation. A newer one has them in its snapshot.</summary>
    private bool IsFlushed(ulong generation, long count)
    {
        Enter();
        bool isFlushed = !_isClosed && _file.Flushed >= (_generation == generation ? count : 0);
        Exit();
        return isFlushed;
    }

    /// <summary>What was noted in a file whose flush failed may be on no disk, so the other is to count.</summary>
    private void LeaveDoubt()
    {
        Enter();
        try
        {
            if (_file.IsInDoubt)
            {
                _ = TryMakeRoom();
            }
        }
        finally
        {
            Exit();
        }
    }

    private void NoteFlushed(ulong generation, long count)
    {
        Enter();
        Flushes++;
        if (_generation == generation && !_isClosed)
        {
            _file.NoteFlushed(count);
        }

        Exit();
    }

    /// <returns>False: snapshots were written meanwhile, and the file was replaced.</returns>
    private static bool TryFlush(JournalFile<T> file)
    {
        try
        {
            file.Flush();
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    private (JournalFile<T> File, ulong Generation, long Count) Look()
    {
        Enter();
        try
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            return (_file, _generation, _count);
        }
        finally
        {
            Exit();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryMakeRoom()
    {
        if (_isClosed)
        {
            return false;
        }

        try
        {
            using NoteBuffer<T> live = _readLive();
            WriteAnew(live.Notes);
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw Full(fault);
        }
    }

    /// <summary>Writes a snapshot into the other file, which counts from then on. If it fails, nothing has changed.</summary>
    private void WriteAnew(ReadOnlySpan<JournalNote<T>> live)
    {
        ulong generation = _generation + 1;
        int place = 1 - _place;

        // What was flushed may be in the file that is overwritten, so the newer one must be on the disk before.
        bool mayBeFlushed = _files[place] is { } known ? known.Flushed >= 0 : File.Exists(_paths[place]);
        if (mayBeFlushed && _file is { Flushed: < 0 })
        {
            if (_file.IsInDoubt)
            {
                _file.Rewrite();
            }

            _file.Flush();
            _file.NoteFlushed(_count);
            Flushes++;
        }

        long capacity = Math.Max(FewestRecords, 3L * live.Length);
        if (_files[place] is { } old && (old.Capacity < capacity || old.Capacity > 4 * capacity))
        {
            old.Clear();
            old.Dispose();
            _files[place] = null;
        }

        JournalFile<T> file = _files[place] ??= JournalFile<T>.Create(_paths[place], capacity, _flushToDisk);
        file.Clear();
        file.WriteSnapshot(generation, live);
        file.Begin(_arena, generation, live.Length);
        (_file, _place, _generation, _count, _live) = (file, place, generation, live.Length, live.Length);
        Snapshots++;
    }

    private LeaseJournalException Full(Exception fault) => new(
        $"The journal {_paths[0]} cannot be written: {fault.Message} Nothing was allocated. Make room on the disk, or end the other process that uses it. Frees are noted all the same.",
        fault);
}
