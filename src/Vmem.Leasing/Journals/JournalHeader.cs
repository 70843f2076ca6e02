using System.Runtime.InteropServices;

namespace Vmem.Leasing.Journals;

/// <summary>What a file of records begins with.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct JournalHeader
{
    /// <summary>A page, so that the records begin on one.</summary>
    public const int Length = 4096;

    private const uint CurrentVersion = 2;

    // "vmemjrnl" in ASCII, the first letter in the lowest byte.
    private const ulong Magic = 0x6C6E726A6D656D76;

    private ulong _magic;
    private uint _version;
    private uint _reserved;
    private ulong _arena;                         // the sum of its name and kind
    private ulong _generation;
    private ulong _snapshot;
    private ulong _sum;                           // of the above
    private ulong _flushed;
    private ulong _flushedSum;

    public readonly ulong Generation => _generation;

    public readonly ulong Snapshot => _snapshot;

    private readonly ulong Sum => JournalHash.Mix(JournalHash.Mix(_version, _arena, _generation), _snapshot, Magic);

    /// <summary>Throws if the beginning of a file cannot be this library's. One that is empty may be: its writer died before it had written
    /// anything.</summary>
    /// <param name="path">The file.</param>
    public readonly void Check(string path)
    {
        if (_magic != Magic && (_magic != 0 || _generation != 0))
        {
            throw new LeaseJournalException($"{path} is no journal of ranges: give the journal a path of its own, or delete the file if it is of no use.");
        }

        if (_magic == Magic && _version is not (CurrentVersion or 0))            // 0: torn
        {
            throw new LeaseJournalException($"{path} is a journal of version {_version}, and this library knows version {CurrentVersion}: use the library that wrote it, or free its ranges with that and delete it.");
        }
    }

    public readonly bool IsWhole(string path, ulong arena)
    {
        if (_sum != Sum)
        {
            return false;
        }

        return _arena == arena ? true : throw new LeaseJournalException(
            $"{path} is the journal of another arena, or of one with another type or quantum: give each arena a journal of its own.");
    }

    public void Clear()
    {
        Volatile.Write(ref _generation, 0);
        Volatile.Write(ref _flushedSum, 0);
        Interlocked.MemoryBarrier();              // before any record is overwritten
    }

    public void Write(ulong arena, ulong generation, ulong snapshot)
    {
        (_version, _reserved, _arena, _snapshot, _flushed) = (CurrentVersion, 0, arena, snapshot, 0);
        Volatile.Write(ref _magic, Magic);
        Volatile.Write(ref _generation, generation);
        Volatile.Write(ref _sum, Sum);
    }

    /// <summary>Two words, of which a death may leave one: then nothing is known to be flushed.</summary>
    public void WriteFlushed(ulong records)
    {
        Volatile.Write(ref _flushed, records);
        Volatile.Write(ref _flushedSum, JournalHash.Mix(_generation, records, Magic));
    }

    public readonly long ReadFlushed() => _flushedSum == JournalHash.Mix(_generation, _flushed, Magic) ? (long)_flushed : -1;
}
