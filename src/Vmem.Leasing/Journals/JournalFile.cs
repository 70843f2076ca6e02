using System.IO.MemoryMappedFiles;
using System.Numerics;
using System.Runtime.CompilerServices;
using Microsoft.Win32.SafeHandles;
using Vmem.Checks;

namespace Vmem.Leasing.Journals;

/// <summary>A mapped file of records: a snapshot, then what happened since.</summary>
/// <remarks>
/// <para>
/// A record is written into the mapping, so into the system's page cache: it survives the death of the process, and costs no call. Only a
/// snapshot is written as files are, into the same cache: by the mapping each of its pages would be a fault.
/// </para>
/// <para>
/// All of the file is written when it is made. Else a full disk would show when a page is first touched, as a signal that ends the process.
/// </para>
/// <para>
/// After a flush that failed Linux takes the pages for clean: the next one has nothing to write, and succeeds. So a file that failed is in
/// doubt until all of its pages were written again, or until it is not needed any more.
/// </para>
/// </remarks>
internal sealed unsafe class JournalFile<T> : IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    // Arbitrary: half a megabyte.
    private const int RecordsAtATime = 1 << 14;

    // Arbitrary.
    private const int BytesAtATime = 1 << 20;

    private readonly Gate _flushing = new();
    private readonly Action<SafeFileHandle> _flushToDisk;
    private readonly FileStream _file;
    private readonly MemoryMappedFile _mapped;
    private readonly MemoryMappedViewAccessor _view;
    private readonly JournalHeader* _header;
    private readonly ulong* _records;

    private volatile bool _isInDoubt;

    private JournalFile(FileStream file, long records, Action<SafeFileHandle> flushToDisk)
    {
        _file = file;
        _flushToDisk = flushToDisk;
        Capacity = records;
        _mapped = MemoryMappedFile.CreateFromFile(file, null, LengthOf(records), MemoryMappedFileAccess.ReadWrite,
            HandleInheritability.None, leaveOpen: false);
        _view = _mapped.CreateViewAccessor(0, LengthOf(records));
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _header = (JournalHeader*)(start + _view.PointerOffset);
        _records = (ulong*)((byte*)_header + JournalHeader.Length);
    }

    /// <summary>How many records have a place.</summary>
    public long Capacity { get; }

    /// <summary>So many records are known to be on the disk; negative: not even the snapshot is.</summary>
    public long Flushed => _header->ReadFlushed();

    /// <summary>Whether the last flush failed: nobody knows what of it the disk has.</summary>
    public bool IsInDoubt => _isInDoubt;

    /// <summary>Makes a file, or overwrites it.</summary>
    /// <param name="path">Where.</param>
    /// <param name="records">How many records it has places for.</param>
    /// <param name="flushToDisk">Waits until the disk has what was written.</param>
    /// <exception cref="IOException">The disk is full, or another process has it.</exception>
    public static JournalFile<T> Create(string path, long records, Action<SafeFileHandle> flushToDisk)
    {
        FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 0);
        try
        {
            byte[] zeros = new byte[BytesAtATime];
            for (long left = LengthOf(records); left > 0; left -= zeros.Length)
            {
                file.Write(zeros, 0, (int)Math.Min(left, zeros.Length));
            }

            file.SetLength(LengthOf(records));
            return new JournalFile<T>(file, records, flushToDisk);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The records are to be written anew: until <see cref="Begin"/> the file does not count, and what its disk has is nothing to
    /// anybody.</summary>
    public void Clear()
    {
        _header->Clear();
        _isInDoubt = false;
    }

    /// <summary>The snapshot is written: from now on the file counts.</summary>
    public void Begin(ulong arena, ulong generation, long snapshot) => _header->Write(arena, generation, (ulong)snapshot);

    /// <summary>Notes that so many records are on the disk.</summary>
    public void NoteFlushed(long records) => _header->WriteFlushed((ulong)records);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(ulong generation, long place, T start, T size, bool isFree) =>
        JournalRecord<T>.Write(_records + place * JournalRecord<T>.Words, generation, place, start, size, isFree);

    /// <summary>Writes the first records: allocations.</summary>
    /// <exception cref="IOException">The disk failed.</exception>
    public void WriteSnapshot(ulong generation, ReadOnlySpan<JournalNote<T>> ranges)
    {
        byte[] buffer = new byte[Math.Min(ranges.Length, RecordsAtATime) * JournalRecord<T>.Length];
        for (int done = 0; done < ranges.Length; done += RecordsAtATime)
        {
            ReadOnlySpan<JournalNote<T>> part = ranges.Slice(done, Math.Min(RecordsAtATime, ranges.Length - done));
            Write(buffer, generation, done, part);
            RandomAccess.Write(_file.SafeFileHandle, buffer.AsSpan(0, part.Length * JournalRecord<T>.Length),
                JournalHeader.Length + (long)done * JournalRecord<T>.Length);
        }
    }

    /// <summary>Waits until the disk has it all. Flushes go one by one: of two at once the system would tell only one that it
    /// failed.</summary>
    /// <exception cref="IOException">The disk failed, now or before: the file is in doubt.</exception>
    public void Flush()
    {
        using (_flushing.EnterScope())
        {
            if (_isInDoubt)
            {
                throw new IOException("The disk failed when it was flushed before.");
            }

            try
            {
                _view.Flush();
                _flushToDisk(_file.SafeFileHandle);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                _isInDoubt = true;
                throw;
            }
        }
    }

    /// <summary>Writes all of it again, as it is, so that the next flush has it to write. Nothing else is written meanwhile.</summary>
    /// <exception cref="IOException">The disk is full, or failed.</exception>
    public void Rewrite()
    {
        byte[] buffer = new byte[BytesAtATime];
        for (long place = 0; place < LengthOf(Capacity); place += buffer.Length)
        {
            Span<byte> part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, LengthOf(Capacity) - place));
            new ReadOnlySpan<byte>((byte*)_header + place, part.Length).CopyTo(part);
            RandomAccess.Write(_file.SafeFileHandle, part, place);
        }

        _isInDoubt = false;
    }

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _mapped.Dispose();
        _file.Dispose();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]     // a million of them, once: there is no time to get warm
    private static void Write(Span<byte> buffer, ulong generation, long first, ReadOnlySpan<JournalNote<T>> ranges)
    {
        fixed (byte* start = buffer)
        {
            for (int i = 0; i < ranges.Length; i++)
            {
                ulong* record = (ulong*)start + i * JournalRecord<T>.Words;
                JournalRecord<T>.Write(record, generation, first + i, ranges[i].Start, ranges[i].Size, isFree: false);
            }
        }
    }

    private static long LengthOf(long records) => JournalHeader.Length + records * JournalRecord<T>.Length;
}
