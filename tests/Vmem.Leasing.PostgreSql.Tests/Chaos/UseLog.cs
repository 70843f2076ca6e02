using System.Diagnostics;
using System.IO.MemoryMappedFiles;

namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>A use of a value: who used it when, under which fence.</summary>
internal readonly record struct Use(long Time, long Fence, long Value, long Holder);

/// <summary>What a holder uses, written before it is used. It is a mapped file: it survives the death of its process.</summary>
internal sealed class UseLog : IDisposable
{
    private const int RecordSize = 32;

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private long _end;

    public UseLog(string folder, int capacity = 1 << 17)
    {
        string path = Path.Combine(folder, $"uses-{Guid.NewGuid():N}");
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.CreateNew, null, (long)capacity * RecordSize);
        _view = _file.CreateViewAccessor();
    }

    /// <summary>All uses in a folder.</summary>
    public static List<Use> ReadAll(string folder)
    {
        List<Use> uses = [];
        foreach (string path in Directory.EnumerateFiles(folder, "uses-*"))
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using BinaryReader reader = new(stream);
            while (stream.Position < stream.Length && reader.ReadInt64() is > 0 and var time)
            {
                uses.Add(new Use(time, reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64()));
            }
        }

        return uses;
    }

    /// <summary>Notes a use, if there is room. The time is that of the look at the deadline, or before.</summary>
    public void Add(long time, long value, long fence, long holder)
    {
        if (_end + RecordSize > _view.Capacity)
        {
            return;
        }

        _view.Write(_end + 8, fence);
        _view.Write(_end + 16, value);
        _view.Write(_end + 24, holder);
        _view.Write(_end, time);                           // last: a record with a time is whole
        _end += RecordSize;
    }

    public static long Now => Stopwatch.GetTimestamp();

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
