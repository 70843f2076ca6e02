using System.Diagnostics;
using System.IO.MemoryMappedFiles;

namespace Vmem.Leasing.PostgreSql.Tests.Chaos;

/// <summary>What a holder did with a value under one fence: the times of the first and the last look before a use, and how often it used
/// it.</summary>
/// <remarks>No use between the two needs a record of its own. A use is stale if a larger fence was used before it. If one of a lease is,
/// the last one is; and if any use of the larger fence came before it, the first one did.</remarks>
internal readonly record struct Use(long First, long Last, long Count, long Fence, long Value, long Holder);

/// <summary>What a holder uses, written as it is used. It is a mapped file: it survives the death of its process.</summary>
internal sealed class UseLog : IDisposable
{
    // The most leases that a holder can have had: some a second, in a soak of an hour.
    private const int Capacity = 1 << 15;
    private const int RecordSize = 6 * sizeof(long);

    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private long _end;

    public UseLog(string folder)
    {
        string path = Path.Combine(folder, $"uses-{Guid.NewGuid():N}");
        _file = MemoryMappedFile.CreateFromFile(path, FileMode.CreateNew, null, (long)Capacity * RecordSize);
        _view = _file.CreateViewAccessor();
    }

    public static long Now => Stopwatch.GetTimestamp();

    /// <summary>All uses in a folder.</summary>
    public static List<Use> ReadAll(string folder)
    {
        List<Use> uses = [];
        foreach (string path in Directory.EnumerateFiles(folder, "uses-*"))
        {
            using FileStream stream = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using BinaryReader reader = new(stream);
            while (stream.Position < stream.Length && reader.ReadInt64() is > 0 and var first)
            {
                uses.Add(new Use(first, Math.Max(first, reader.ReadInt64()), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt64(),
                    reader.ReadInt64()));
            }
        }

        return uses;
    }

    /// <summary>Notes the first use of a value under a fence.</summary>
    /// <param name="time">That of the look at the deadline, or before.</param>
    /// <param name="value">The value.</param>
    /// <param name="fence">Its lease's.</param>
    /// <param name="holder">Another for each lease.</param>
    /// <returns>The place of the record, for <see cref="AddAgain"/>.</returns>
    public long AddFirst(long time, long value, long fence, long holder)
    {
        long place = _end;
        _end += RecordSize;
        _view.Write(place + 16, 1L);
        _view.Write(place + 24, fence);
        _view.Write(place + 32, value);
        _view.Write(place + 40, holder);
        _view.Write(place + 8, time);
        _view.Write(place, time);                          // last: a record with a time is whole
        return place;
    }

    /// <summary>Notes that the value of a record was used again.</summary>
    public void AddAgain(long place, long time)
    {
        _view.Write(place + 8, time);
        _view.Write(place + 16, _view.ReadInt64(place + 16) + 1);
    }

    public void Dispose()
    {
        _view.Dispose();
        _file.Dispose();
    }
}
