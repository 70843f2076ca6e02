using Vmem.Tool.Files;

namespace Vmem.Tool.Commands;

/// <summary>
/// Files that appear whole or not at all, and all or none. Each is made in memory, then written to a temporary file beside its place, and
/// moved there when all are complete. If a move fails, those before it are undone.
/// </summary>
/// <remarks>What is no file, such as a pipe, a terminal or <c>/dev/null</c>, is written to where it is, before the first file is there: it
/// may keep us waiting, and what is on a disk then would stay after Ctrl-C.</remarks>
internal sealed class OutputFiles : IDisposable
{
    private readonly List<(string Path, MemoryStream Contents)> _streams = [];
    private readonly List<(string Path, MemoryStream Contents)> _files = [];
    private readonly List<StagedFile> _staged = [];

    /// <summary>Where a path leads, for comparing two: of a link the file that is replaced or read.</summary>
    public static string PlaceOf(string path)
    {
        try
        {
            return FileKinds.Of(path) == FileKind.Stream ? Path.GetFullPath(path) : RealPath.Of(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // Whoever opens it will say why.
            return Path.GetFullPath(path);
        }
    }

    /// <summary>Makes a file's contents, in memory.</summary>
    public void Add(string path, Action<Stream> write)
    {
        MemoryStream contents = new();
        Try(path, () =>
        {
            try
            {
                write(contents);
            }
            catch (OutOfMemoryException fault)
            {
                throw new IOException("there is not enough memory to make it", fault);
            }
        });
        (FileKinds.Of(path) == FileKind.Stream ? _streams : _files).Add((path, contents));
    }

    /// <summary>Writes everything, the files not yet in their places.</summary>
    /// <exception cref="IOException">Something cannot be written.</exception>
    public void Stage(CancellationToken cancellationToken)
    {
        foreach ((string path, MemoryStream contents) in _streams)
        {
            Try(path, () =>
            {
                using FileStream stream = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
                Write(contents, stream, cancellationToken);
            });
        }

        foreach ((string path, MemoryStream contents) in _files)
        {
            Try(path, () => WriteBeside(path, contents, cancellationToken));
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Moves the files to their places.</summary>
    /// <exception cref="IOException">One cannot be there, and none has changed.</exception>
    public void Commit()
    {
        try
        {
            // After the last one nothing can fail.
            _staged.ForEach(file => Try(file.Path, () => file.Place(keepsOld: file != _staged[^1])));
        }
        catch
        {
            _staged.ForEach(static file => file.Undo());
            throw;
        }

        _staged.ForEach(static file => file.Accept());
    }

    /// <summary>Takes away what was not committed.</summary>
    public void Dispose() => _staged.ForEach(static file => file.Dispose());

    private static void Try(string path, Action action)
    {
        try
        {
            action();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path}: cannot be written ({fault.Message.TrimEnd('.')})", fault);
        }
    }

    private void WriteBeside(string path, MemoryStream contents, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        // Through a link: the file that it names is replaced, not the link.
        string final = RealPath.Of(path);
        if (Directory.Exists(final))
        {
            throw new IOException("it is a folder");
        }

        StagedFile file = new(path, final);
        using FileStream stream = file.Create();
        _staged.Add(file);
        Write(contents, stream, cancellationToken);
    }

    // By pieces: a slow disk, or a reader who takes little, does not keep us from answering Ctrl-C.
    private static void Write(MemoryStream contents, Stream stream, CancellationToken cancellationToken)
    {
        const int Piece = 1 << 16;
        ReadOnlySpan<byte> rest = contents.GetBuffer().AsSpan(0, (int)contents.Length);
        while (rest.Length > 0)
        {
            cancellationToken.ThrowIfCancellationRequested();
            stream.Write(rest[..Math.Min(Piece, rest.Length)]);
            rest = rest[Math.Min(Piece, rest.Length)..];
        }
    }
}
