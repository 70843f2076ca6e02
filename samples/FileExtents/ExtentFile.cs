namespace Vmem.Samples;

/// <summary>A file of many documents, each in a few extents. An arena over the file's bytes says where there is room.</summary>
/// <remarks>
/// <para>A document is one extent if there is a hole for it, and several if not: as few as possible. The file grows when nothing else
/// helps. It shrinks by moving what lies at its end into holes.</para>
/// <para>The directory is kept apart, by whoever keeps documents: here in memory. Opening a file again claims what it says.</para>
/// </remarks>
internal sealed class ExtentFile : IDisposable
{
    /// <summary>The unit of the file's space: a page of most file systems.</summary>
    public const ulong Page = 4_096;

    private const int MostExtents = 8;            // of a document
    private const ulong GrownAtATime = 64 * Page;

    private readonly FileStream _file;
    private readonly Arena<ulong> _space;
    private readonly Dictionary<string, Document> _documents = [];
    private readonly Dictionary<ulong, string> _names = [];              // by the number that an extent bears as its tag
    private ulong _lastNumber;
    private ulong _size;

    /// <summary>Opens a file with what a directory says is in it.</summary>
    public ExtentFile(string path, IEnumerable<Document> directory)
    {
        _file = new FileStream(path, FileMode.OpenOrCreate);
        _size = Math.Max(Page, (ulong)_file.Length / Page * Page);
        _space = new Arena<ulong>("file", 0, _size, Page, new ArenaOptions<ulong> { SingleThreaded = true, Tagged = true });
        var extents = new List<Segment<ulong>>();
        foreach (Document document in directory)
        {
            _lastNumber++;
            _names.Add(_lastNumber, document.Name);
            _documents.Add(document.Name, document);
            extents.AddRange(document.Extents.Select(extent =>
                new Segment<ulong>(extent.Start, extent.Size, SegmentKind.Allocated) { Tag = _lastNumber }));
        }

        _space.AllocateAtMany([.. extents]);
    }

    /// <summary>What is to be kept for the next time.</summary>
    public IEnumerable<Document> Directory => _documents.Values;

    public Arena<ulong> Space => _space;

    public ulong Size => _size;

    public void Write(string name, ReadOnlySpan<byte> contents)
    {
        Delete(name);
        Span<Segment<ulong>> pieces = stackalloc Segment<ulong>[MostExtents];
        int count;
        while (!_space.TryAllocatePieces((ulong)contents.Length, pieces, Page, out count))
        {
            Resize(_size + GrownAtATime);
        }

        ulong number = ++_lastNumber;
        int from = 0;
        var extents = new List<Extent>();
        foreach (Segment<ulong> piece in pieces[..count])
        {
            int length = (int)Math.Min(piece.Size, (ulong)(contents.Length - from));
            RandomAccess.Write(_file.SafeFileHandle, contents.Slice(from, length), (long)piece.Start);
            _space.SetTag(piece.Start, number);
            extents.Add(new Extent(piece.Start, piece.Size));
            from += length;
        }

        _names.Add(number, name);
        _documents.Add(name, new Document(name, contents.Length, extents));
    }

    public byte[] Read(string name)
    {
        Document document = _documents[name];
        var contents = new byte[document.Length];
        int from = 0;
        foreach (Extent extent in document.Extents)
        {
            int length = (int)Math.Min(extent.Size, (ulong)(document.Length - from));
            RandomAccess.Read(_file.SafeFileHandle, contents.AsSpan(from, length), (long)extent.Start);
            from += length;
        }

        return contents;
    }

    public void Delete(string name)
    {
        if (_documents.Remove(name, out Document? document))
        {
            document.Extents.ForEach(extent => _space.Free(extent.Start, extent.Size));
        }
    }

    /// <summary>Moves extents from the end of the file into holes, and gives the end back.</summary>
    /// <param name="budget">How many bytes may be copied.</param>
    /// <returns>How many were.</returns>
    public ulong Compact(ulong budget)
    {
        ulong copied = 0;
        foreach (RangeMove<ulong> move in _space.PlanDefragmentation(new() { MaxSize = budget }))
        {
            if (_space.BeginMove(move))
            {
                var contents = new byte[move.Size];
                int length = RandomAccess.Read(_file.SafeFileHandle, contents, (long)move.From);
                RandomAccess.Write(_file.SafeFileHandle, contents.AsSpan(0, length), (long)move.To);
                List<Extent> extents = _documents[_names[move.Tag]].Extents;
                extents[extents.FindIndex(extent => extent.Start == move.From)] = new Extent(move.To, move.Size);
                _space.CommitMove(move);
                copied += move.Size;
            }
        }

        Segment<ulong> last = _space.GetSegments().Last();
        if (last.Kind == SegmentKind.Free && last.Start > 0)
        {
            Resize(last.Start);
        }

        return copied;
    }

    public void Dispose()
    {
        _file.Dispose();
        _space.Dispose();
    }

    private void Resize(ulong size)
    {
        if (!_space.TryGrowSpan(0, _size, size))
        {
            throw new InvalidOperationException("The end of the file is in use.");
        }

        _size = size;
        _file.SetLength((long)size);
    }
}

internal readonly record struct Extent(ulong Start, ulong Size);

internal sealed record Document(string Name, int Length, List<Extent> Extents);
