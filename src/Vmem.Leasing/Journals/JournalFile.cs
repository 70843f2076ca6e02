using System.IO.MemoryMappedFiles;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Leasing.Journals;

/// <summary>A mapped file of records: a snapshot, then what happened since.</summary>
/// <remarks>
/// <para>
/// A record is written into the mapping, so into the system's page cache: it survives the death of the process, and costs no call. It has
/// its number, a range, and a checksum that covers both and the file's generation. So what an earlier generation left in the same place is
/// told apart, and so is a record of which a part was written.
/// </para>
/// <para>
/// All of the file is written when it is made. Else a full disk would show when a page is first touched, as a signal that ends the process.
/// </para>
/// </remarks>
internal sealed unsafe class JournalFile<T> : IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private const ulong FreeBit = 1UL << 63;

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

    /// <summary>The larger, the newer; 0: it is empty, or being written.</summary>
    public ulong Generation => _header->Generation;

    /// <summary>So many records are the snapshot.</summary>
    public long Snapshot => (long)_header->Snapshot;

    /// <summary>So many records are known to be on the disk; negative: not even the snapshot is.</summary>
    public long Flushed => _header->ReadFlushed();

    private static bool IsWide
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Unsafe.SizeOf<T>() > sizeof(ulong);
    }

    private static int Words
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => IsWide ? 6 : 4;
    }

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

    /// <summary>Opens a file that is there. Null: there is none, or nothing was written into it yet.</summary>
    /// <exception cref="LeaseJournalException">It is no journal, or of another version.</exception>
    /// <exception cref="IOException">Another process has it.</exception>
    public static JournalFile<T>? Open(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 0);
        try
        {
            JournalHeader header = default;
            _ = file.ReadAtLeast(new Span<byte>(&header, sizeof(JournalHeader)), sizeof(JournalHeader), throwOnEndOfStream: false);
            header.Check(path);
            if (header.Generation == 0)
            {
                file.Dispose();
                return null;
            }

            return new JournalFile<T>(file, Math.Max(0, file.Length - JournalHeader.Length) / (Words * sizeof(ulong)));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Whether the header is of this arena and whole.</summary>
    /// <exception cref="LeaseJournalException">It is of another arena.</exception>
    public bool IsWhole(string path, ulong arena) => _header->IsWhole(path, arena);

    /// <summary>The records are to be written anew: until <see cref="Begin"/> the file does not count.</summary>
    public void Clear() => _header->Clear();

    /// <summary>The snapshot is written: from now on the file counts.</summary>
    public void Begin(ulong arena, ulong generation, long snapshot) => _header->Write(arena, generation, (ulong)snapshot);

    /// <summary>Notes that so many records are on the disk.</summary>
    public void NoteFlushed(long records) => _header->WriteFlushed((ulong)records);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(ulong generation, long place, T start, T size, bool isFree)
    {
        ulong* record = _records + place * Words;
        ulong number = (ulong)place | (isFree ? FreeBit : 0);
        ulong sum = generation;
        record[0] = number;
        if (IsWide)
        {
            (record[1], record[2], record[3], record[4]) =
                (ulong.CreateTruncating(start), High(start), ulong.CreateTruncating(size), High(size));
            sum = JournalHash.Mix(sum, record[2], record[4]);
            record[5] = JournalHash.Mix(JournalHash.Mix(sum, record[1], record[3]), number, generation);
            return;
        }

        ulong from = ulong.CreateTruncating(start);
        ulong length = ulong.CreateTruncating(size);
        (record[1], record[2]) = (from, length);
        record[3] = JournalHash.Mix(JournalHash.Mix(sum, from, length), number, generation);
    }

    /// <summary>Reads a record. False: there is none in this place, or only a part of one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]     // a million of them, once: there is no time to get warm
    public bool TryRead(ulong generation, long place, out T start, out T size, out bool isFree)
    {
        (start, size, isFree) = (T.Zero, T.Zero, false);
        if (place >= Capacity)
        {
            return false;
        }

        ulong* record = _records + place * Words;
        isFree = (record[0] & FreeBit) != 0;
        if ((record[0] & ~FreeBit) != (ulong)place)
        {
            return false;
        }

        ulong sum = IsWide ? JournalHash.Mix(generation, record[2], record[4]) : generation;
        ulong from = record[1];
        ulong length = IsWide ? record[3] : record[2];
        if (JournalHash.Mix(JournalHash.Mix(sum, from, length), record[0], generation) != record[Words - 1])
        {
            return false;
        }

        (start, size) = (T.CreateTruncating(from), T.CreateTruncating(length));
        if (IsWide)
        {
            start |= T.CreateTruncating(record[2]) << 64;
            size |= T.CreateTruncating(record[4]) << 64;
        }

        return true;
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

    private static ulong High(T value) => IsWide ? ulong.CreateTruncating(value >> 64) : 0;

    private static long LengthOf(long records) => JournalHeader.Length + records * Words * sizeof(ulong);
}
