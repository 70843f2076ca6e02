using System.IO.MemoryMappedFiles;

namespace Vmem.Leasing.Sqlite.Processes;

/// <summary>A number beside the file, outside its transactions: how far its audit had come. If the file has come less far, it is an older
/// copy that was put back, and holders may have what it does not know (R4).</summary>
/// <remarks>
/// It is a mapped page that all processes share: writing it costs nanoseconds, and it survives them. It is written after the commit, so
/// after a power failure it may lag behind, but is never ahead. Rejected: the file's number or time of birth, which tell a copy that was
/// moved into place and not one that was written into it, as a backup's restoration does.
/// </remarks>
internal sealed unsafe class Witness : IDisposable
{
    private readonly MemoryMappedFile _mapped;
    private readonly MemoryMappedViewAccessor _view;
    private readonly long* _number;

    public Witness(string folder)
    {
        FileStream file = new(Path.Combine(folder, "witness"), FileMode.OpenOrCreate, FileAccess.ReadWrite,
            FileShare.ReadWrite | FileShare.Delete);
        _mapped = MemoryMappedFile.CreateFromFile(file, null, sizeof(long), MemoryMappedFileAccess.ReadWrite, HandleInheritability.None,
            leaveOpen: false);
        _view = _mapped.CreateViewAccessor(0, sizeof(long));
        byte* start = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref start);
        _number = (long*)(start + _view.PointerOffset);
    }

    /// <summary>How far the audit has come, at least.</summary>
    public long Number => Volatile.Read(ref *_number);

    /// <summary>What was committed. It never goes back.</summary>
    public void Raise(long number)
    {
        long seen = Number;
        while (seen < number)
        {
            long found = Interlocked.CompareExchange(ref *_number, number, seen);
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
