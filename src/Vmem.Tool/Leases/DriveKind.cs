using System.Collections.Frozen;

namespace Vmem.Tool.Leases;

/// <summary>Which drives are a machine's own. On others neither the locks nor the shared memory of SQLite are good for all who use
/// them.</summary>
internal static class DriveKind
{
    public const string Unknown = "unknown";

    // What is not known to be local is not trusted: nobody can list all that are not, and each release of a kernel has another.
    private static readonly FrozenSet<string> s_local = FrozenSet.Create(StringComparer.OrdinalIgnoreCase,
        "apfs", "bcachefs", "btrfs", "exfat", "ext2", "ext3", "ext4", "f2fs", "fat32", "fuseblk", "hfs", "jfs", "msdos", "ntfs", "ntfs3",
        "overlay", "overlayfs", "ramfs", "refs", "reiserfs", "tmpfs", "ufs", "vfat", "xfs", "zfs");

    /// <summary>The kind of the drive that a folder is on.</summary>
    public static string Of(string folder)
    {
        try
        {
            DriveInfo drive = new(folder);
            return drive.DriveType == DriveType.Network && IsLocal(drive.DriveFormat) ? "network" : drive.DriveFormat;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return Unknown;
        }
    }

    public static bool IsLocal(string kind) => s_local.Contains(kind);
}
