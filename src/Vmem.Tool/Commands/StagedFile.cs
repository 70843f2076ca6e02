namespace Vmem.Tool.Commands;

/// <summary>A file that lies beside its place, and can be put there and taken away again.</summary>
/// <param name="path">As the user calls it.</param>
/// <param name="final">Its place.</param>
internal sealed class StagedFile(string path, string final) : IDisposable
{
    private readonly string _temporary = $"{final}.{Guid.NewGuid():N}.part";
    private readonly string _before = $"{final}.{Guid.NewGuid():N}.old";
    private bool _isPlaced;

    public string Path { get; } = path;

    public FileStream Create() => new(_temporary, FileMode.CreateNew, FileAccess.Write);

    /// <summary>At no moment there is neither the old file nor this one.</summary>
    /// <param name="keepsOld">Whether <see cref="Undo"/> may follow.</param>
    public void Place(bool keepsOld)
    {
        if (keepsOld && File.Exists(final))
        {
            File.Replace(_temporary, final, _before, ignoreMetadataErrors: true);
        }
        else
        {
            File.Move(_temporary, final, overwrite: true);
        }

        _isPlaced = true;
    }

    /// <summary>Puts back what was there, or takes away what was not. What cannot be put back stays beside its place.</summary>
    public void Undo()
    {
        Attempt(() =>
        {
            if (File.Exists(_before))             // on Windows also if the exchange failed half way
            {
                File.Move(_before, final, overwrite: true);
            }
            else if (_isPlaced)
            {
                File.Delete(final);
            }

            _isPlaced = false;
        });
    }

    /// <summary>It stays in its place.</summary>
    public void Accept() => _isPlaced = false;

    /// <summary>Takes away what lies beside the place.</summary>
    public void Dispose()
    {
        Attempt(() => File.Delete(_temporary));
        if (!_isPlaced && File.Exists(final))
        {
            Attempt(() => File.Delete(_before));
        }
    }

    // All of this follows an error that is told, or a success that leftovers do not change.
    private static void Attempt(Action action)
    {
        try
        {
            action();
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
        }
    }
}
