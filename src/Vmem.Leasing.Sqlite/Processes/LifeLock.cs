namespace Vmem.Leasing.Sqlite.Processes;

/// <summary>A file that its process keeps locked for as long as it lives. Whoever can lock it knows that the process is dead.</summary>
/// <remarks>
/// <para>
/// The kernel lets go of the lock when the process ends, however it ends, and not before. So a dead holder's leases need no TTL and no
/// quarantine: it uses nothing any more. The name is drawn anew for each lock, so nobody is taken for an older one.
/// </para>
/// <para>
/// Rejected: the process's number with its start time. In containers that share the file each has numbers of its own, and a living holder
/// looks dead. Locks are of the file, and good across containers. Where locks do not work, which is tried, there is none, and the time
/// alone decides.
/// </para>
/// </remarks>
internal sealed class LifeLock : IDisposable
{
    private const string Extension = ".lock";
    private const int Tries = 10;

    private readonly FileStream _file;

    private LifeLock(Guid id, FileStream file) => (Id, _file) = (id, file);

    public Guid Id { get; }

    /// <summary>Takes a lock of this process's own.</summary>
    /// <returns>Null: locks do not work in this folder.</returns>
    public static LifeLock? TryTake(string folder)
    {
        for (int i = 0; i < Tries; i++)
        {
            var id = Guid.NewGuid();
            FileStream? file = null;
            try
            {
                file = new FileStream(PathOf(folder, id), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1);
                if (IsLocked(folder, id) == true)
                {
                    return new LifeLock(id, file);
                }
            }
            catch (IOException)
            {
                // Somebody tidied up between its making and its locking.
            }

            file?.Dispose();
            File.Delete(PathOf(folder, id));
        }

        return null;
    }

    /// <summary>Whether it is certain that the process with a lock is dead.</summary>
    public static bool IsDead(string folder, Guid id) => IsLocked(folder, id) == false;

    /// <summary>All locks in the folder, of living and dead.</summary>
    public static IEnumerable<Guid> All(string folder) => Directory.EnumerateFiles(folder, "*" + Extension)
        .Select(path => Guid.TryParse(Path.GetFileNameWithoutExtension(path), out Guid id) ? id : Guid.Empty)
        .Where(id => id != Guid.Empty);

    /// <summary>Removes the file of a dead process.</summary>
    public static void Remove(string folder, Guid id)
    {
        try
        {
            File.Delete(PathOf(folder, id));
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // It lies there, and is in nobody's way.
        }
    }

    public void Dispose()
    {
        _file.Dispose();
        Remove(Path.GetDirectoryName(_file.Name)!, Id);
    }

    /// <summary>Whether the process with a lock lives. Null: there is no such file, so nobody can say.</summary>
    public static bool? IsLocked(string folder, Guid id)
    {
        try
        {
            using FileStream free = new(PathOf(folder, id), FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1);
            return false;
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException)
        {
            return null;
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static string PathOf(string folder, Guid id) => Path.Combine(folder, id.ToString("N") + Extension);
}
