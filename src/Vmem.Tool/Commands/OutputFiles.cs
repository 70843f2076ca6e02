namespace Vmem.Tool.Commands;

/// <summary>
/// Files that appear whole or not at all, and all or none: each is written to a temporary file beside its place, and moved there when all
/// are complete.
/// </summary>
internal sealed class OutputFiles : IDisposable
{
    private readonly List<(string Temporary, string Final)> _staged = [];

    /// <summary>Writes a file's contents, not yet in its place.</summary>
    /// <exception cref="IOException">It cannot be written there.</exception>
    public void Stage(string path, Action<Stream> write)
    {
        try
        {
            // Through a link: the file that it names is replaced, not the link.
            string full =
                Path.GetFullPath(File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path : path);
            if (IsDevice(full))
            {
                using FileStream device = new(full, FileMode.Open, FileAccess.Write);
                write(device);
                return;
            }

            if (Directory.Exists(full))
            {
                throw new IOException("it is a folder");
            }

            string temporary = $"{full}.{Guid.NewGuid():N}.part";
            using FileStream file = new(temporary, FileMode.CreateNew, FileAccess.Write);
            _staged.Add((temporary, full));
            write(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new IOException($"{path}: cannot be written ({fault.Message.TrimEnd('.')})", fault);
        }
    }

    /// <summary>Moves everything to its place.</summary>
    public void Commit()
    {
        foreach ((string temporary, string final) in _staged)
        {
            File.Move(temporary, final, overwrite: true);
        }

        _staged.Clear();
    }

    /// <summary>Takes away what was not committed.</summary>
    public void Dispose()
    {
        foreach ((string temporary, _) in _staged)
        {
            File.Delete(temporary);
        }
    }

    // /dev/null and its like must be written to; to move a file there would replace them.
    private static bool IsDevice(string path) => OperatingSystem.IsWindows()
        ? path.StartsWith(@"\\.\", StringComparison.Ordinal)
        : path.StartsWith("/dev/", StringComparison.Ordinal);
}
