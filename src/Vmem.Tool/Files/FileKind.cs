using System.Runtime.InteropServices;

namespace Vmem.Tool.Files;

/// <summary>What a path names, links followed.</summary>
internal enum FileKind
{
    /// <summary>Nothing, as far as can be seen.</summary>
    None,

    /// <summary>A file that keeps what is written to it.</summary>
    File,

    Folder,

    /// <summary>A pipe, a terminal, a device: written to where it is, for to replace it would end it. To open one may wait for its other
    /// end.</summary>
    Stream,
}

/// <summary>Tells it without opening anything.</summary>
internal static partial class FileKinds
{
    private const int FollowLinks = 0;
    private const int CurrentFolder = -100;
    private const uint WantType = 1;

    // struct statx has one layout on every processor; struct stat has not.
    private const int StatxSize = 256;
    private const int ModeOffset = 28;

    // ENOENT, ENOTDIR and ELOOP
    private const int NoSuchFile = 2;
    private const int NoFolder = 20;
    private const int TooManyLinks = 40;

    private const int TypeMask = 0xf000;
    private const int FolderType = 0x4000;
    private const int FileType = 0x8000;

    public static FileKind Of(string path)
    {
        string full = Path.GetFullPath(path);
        try
        {
            if (OperatingSystem.IsLinux() && OfMode(full) is { } kind)
            {
                return kind;
            }
        }
        catch (EntryPointNotFoundException)
        {
            // A C library that is older than statx.
        }

        try
        {
            full = RealPath.Of(full);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            // Whoever opens it will say why.
        }

        // .NET does not tell pipes from files; the place has to.
        return full.StartsWith(OperatingSystem.IsWindows() ? @"\\.\" : "/dev/", StringComparison.Ordinal) ? FileKind.Stream
            : Directory.Exists(full) ? FileKind.Folder
            : File.Exists(full) ? FileKind.File : FileKind.None;
    }

    /// <summary>Null if the system does not tell: some containers forbid the call.</summary>
    private static unsafe FileKind? OfMode(string path)
    {
        byte* status = stackalloc byte[StatxSize];
        if (Statx(CurrentFolder, path, FollowLinks, WantType, status) != 0)
        {
            return Marshal.GetLastPInvokeError() is NoSuchFile or NoFolder or TooManyLinks ? FileKind.None : null;
        }

        return (*(ushort*)(status + ModeOffset) & TypeMask) switch
        {
            FileType => FileKind.File,
            FolderType => FileKind.Folder,
            _ => FileKind.Stream,
        };
    }

    [LibraryImport("libc", EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    private static unsafe partial int Statx(int folder, string path, int flags, uint mask, byte* status);
}
