using System.IO.MemoryMappedFiles;
using System.Numerics;
using System.Runtime.CompilerServices;

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
/// </remarks>
internal sealed unsafe class JournalFile<T> : IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    // Arbitrary: half a megabyte.
    private const int RecordsAtATime = 1 << 14;

    private readonly FileStream _file;
    private readonly MemoryMappedFile _mapped;
    private readonly MemoryMappedViewAccessor _view;
    private readonly JournalHeader* _header;
    private readonly ulong* _records;

    private JournalFile(FileStream file, long records)
    {
        _file = file;
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

    /// <summary>Makes a file, or overwrites it.</summary>
    /// <exception cref="IOException">The disk is full, or another process has it.</exception>
    public static JournalFile<T> Create(string path, long records)
    {
        FileStream file = new(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 0);
        try
        {
            byte[] zeros = new byte[1 << 20];
            for (long left = LengthOf(records); left > 0; left -= zeros.Length)
            {
                file.Write(zeros, 0, (int)Math.Min(left, zeros.Length));
            }

            file.SetLength(LengthOf(records));
            return new JournalFile<T>(file, records);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>The records are to be written anew: until <see cref="Begin"/> the file does not count.</summary>
    public void Clear() => _header->Clear();

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

    /// <summary>Waits until the disk has it all.</summary>
    public void Flush()
    {
        _view.Flush();
        RandomAccess.FlushToDisk(_file.SafeFileHandle);
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
