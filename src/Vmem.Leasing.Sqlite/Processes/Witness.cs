using System.IO.MemoryMappedFiles;

namespace Vmem.Leasing.Sqlite.Processes;

/// <summary>Two numbers beside the file, outside its transactions: how far its audit had come, and its incarnation. If the file has come
/// less far, it is an older copy that was put back, and holders may have what it does not know (R4). If that was done before, the copy does
/// not know it: so the next incarnation is counted from the number here.</summary>
/// <remarks>
/// It is a mapped page that all processes share: writing it costs nanoseconds, and it survives them. It is written after the commit, so
/// after a power failure it may lag behind, but is never ahead. Rejected: the file's number or time of birth, which tell a copy that was
/// moved into place and not one that was written into it, as a backup's restoration does. Libraries that know the first number alone leave
/// the second as it is.
/// </remarks>
internal sealed unsafe class Witness : IDisposable
{
    private const int Length = 2 * sizeof(long);

    private readonly MemoryMappedFile _mapped;
    private readonly MemoryMappedViewAccessor _view;
    private readonly long* _numbers;

    public Witness(string folder)
    {
        FileStream file = new(Path.Combine(folder, "witness"), FileMode.OpenOrCreate, FileAccess.ReadWrite,
            FileShare.ReadWrite | FileShare.Delete);
        _mapped = MemoryMappedFile.CreateFromFile(file, null, Length, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None,
            leaveOpen: false);
        _view = _mapped.CreateViewAccessor(0, Length);
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _numbers = (long*)(start + _view.PointerOffset);
    }

    /// <summary>How far the audit has come, at least.</summary>
    public long Number => Volatile.Read(ref _numbers[0]);

    /// <summary>The largest that the file had; 0: it is not known.</summary>
    public int Incarnation => (int)Volatile.Read(ref _numbers[1]);

    /// <summary>What was committed. Neither goes back.</summary>
    public void Raise(long number, int incarnation)
    {
        Raise(ref _numbers[1], incarnation);
        Raise(ref _numbers[0], number);
    }

    private static void Raise(ref long kept, long number)
    {
        long seen = Volatile.Read(ref kept);
        while (seen < number)
        {
            long found = Interlocked.CompareExchange(ref kept, number, seen);
            seen = found == seen ? number : found;
        }
    }

    public void Dispose()
    {
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _mapped.Dispose();
    }
}
