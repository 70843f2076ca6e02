using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Leasing.Journals;

/// <summary>A file of records that another process may have left: it is read, in one go, and not written.</summary>
/// <remarks>Rejected: to read it by the mapping. Each page is then a fault of its own, and takes longer than to copy it.</remarks>
internal sealed unsafe class JournalReader<T> : IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    // Arbitrary: half a megabyte.
    private const int RecordsAtATime = 1 << 14;

    private readonly FileStream _file;
    private readonly JournalHeader _header;

    private JournalReader(FileStream file, in JournalHeader header) => (_file, _header) = (file, header);

    /// <summary>The larger, the newer.</summary>
    public ulong Generation => _header.Generation;

    /// <summary>So many records are the snapshot.</summary>
    public long Snapshot => (long)_header.Snapshot;

    /// <summary>So many records are known to be on the disk; negative: not even the snapshot is.</summary>
    public long Flushed => _header.ReadFlushed();

    /// <summary>How many records have a place.</summary>
    public long Capacity => Math.Max(0, _file.Length - JournalHeader.Length) / JournalRecord<T>.Length;

    /// <summary>Opens a file. Null: there is none, or it does not count: nothing was written into it yet, or not all.</summary>
    /// <exception cref="LeaseJournalException">It is no journal, or of another version.</exception>
    /// <exception cref="IOException">Another process has it.</exception>
    public static JournalReader<T>? Open(string path)
    {
        if (!File.Exists(path))
        {
            return null;
        }

        // Nobody else may read it meanwhile, as nobody may write it.
        FileStream file = new(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 0);
        try
        {
            JournalHeader header = default;
            _ = file.ReadAtLeast(new Span<byte>(&header, sizeof(JournalHeader)), sizeof(JournalHeader), throwOnEndOfStream: false);
            header.Check(path);
            if (header.Generation != 0)
            {
                return new JournalReader<T>(file, header);
            }
        }
        catch
        {
            file.Dispose();
            throw;
        }

        file.Dispose();
        return null;
    }

    /// <summary>Whether the header is of this arena and whole.</summary>
    /// <exception cref="LeaseJournalException">It is of another arena.</exception>
    public bool IsWhole(string path, ulong arena) => _header.IsWhole(path, arena);

    /// <summary>Reads all records up to the first that is not whole.</summary>
    public void ReadAll(NoteBuffer<T> notes)
    {
        byte[] buffer = new byte[RecordsAtATime * JournalRecord<T>.Length];
        _ = notes.Extend(checked((int)Math.Min(Capacity, 2 * Snapshot + RecordsAtATime)));         // as many, in all likelihood
        notes.Cut(0);
        _file.Position = JournalHeader.Length;
        int read;
        do
        {
            int first = notes.Count;
            int there = _file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) / JournalRecord<T>.Length;
            read = Read(buffer, Generation, first, notes.Extend(there));
            notes.Cut(first + read);
        }
        while (read == RecordsAtATime);
    }

    public void Dispose() => _file.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]     // a million of them, once: there is no time to get warm
    private static int Read(ReadOnlySpan<byte> buffer, ulong generation, int first, Span<JournalNote<T>> notes)
    {
        fixed (byte* start = buffer)
        {
            for (int i = 0; i < notes.Length; i++)
            {
                if (!JournalRecord<T>.TryRead((ulong*)start + i * JournalRecord<T>.Words, generation, first + i, out notes[i]))
                {
                    return i;
                }
            }
        }

        return notes.Length;
    }
}
