namespace Vmem.Tool.Files;

/// <summary>Where a path leads when every link on the way is followed, of folders too: two paths of one file are the same text.</summary>
/// <remarks>Not <c>File.ResolveLinkTarget</c>: it follows the last name only, and takes the target of a bare name for one in the root
/// folder.</remarks>
internal static class RealPath
{
    // The limit of Linux.
    private const int MostLinks = 40;

    /// <param name="path">Need not be there, nor any folder of it.</param>
    /// <exception cref="IOException">Links lead to each other, or cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">A folder on the way cannot be searched.</exception>
    public static string Of(string path)
    {
        string full = Path.GetFullPath(path);
        string current = Path.GetPathRoot(full)!;
        Stack<string> names = new();
        Push(names, full[current.Length..]);
        int links = 0;
        while (names.TryPop(out string? name))
        {
            if (name == "..")
            {
                current = Path.GetDirectoryName(current) ?? current;
                continue;
            }

            string next = Path.Combine(current, name);
            if (new FileInfo(next).LinkTarget is not { } target)
            {
                current = next;
                continue;
            }

            if (++links > MostLinks)
            {
                throw new IOException("its links lead to each other");
            }

            string root = Path.GetPathRoot(target)!;
            current = root.Length > 0 ? Path.GetFullPath(root) : current;
            Push(names, target[root.Length..]);
        }

        return current;
    }

    private static void Push(Stack<string> names, string path)
    {
        char[] separators = [Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar];
        foreach (string name in path.Split(separators, StringSplitOptions.RemoveEmptyEntries).Reverse())
        {
            if (name != ".")
            {
                names.Push(name);
            }
        }
    }
}
