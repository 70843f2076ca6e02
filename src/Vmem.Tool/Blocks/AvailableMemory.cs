using System.Globalization;

namespace Vmem.Tool.Blocks;

/// <summary>How much memory can still be had before the system has to end a program.</summary>
/// <param name="Machine">What the machine has to give, in bytes.</param>
/// <param name="Container">What the limits around this process leave; null without a limit.</param>
internal sealed record AvailableMemory(ulong Machine, ulong? Container)
{
    /// <summary>The lesser of both.</summary>
    public ulong Bytes => Math.Min(Machine, Container ?? ulong.MaxValue);

    /// <summary>Null where the system does not tell: elsewhere than on Linux.</summary>
    /// <param name="root">Where <c>/proc</c> and <c>/sys</c> are.</param>
    public static AvailableMemory? Read(string root = "/")
    {
        ulong? machine = Lines(Path.Combine(root, "proc/meminfo"))
            .Where(line => line.StartsWith("MemAvailable:", StringComparison.Ordinal))
            .Select(line => Parse(line["MemAvailable:".Length..].Replace("kB", string.Empty, StringComparison.Ordinal)) * 1024)
            .FirstOrDefault();
        return machine is ulong bytes ? new AvailableMemory(bytes, ReadContainer(root)) : null;
    }

    /// <summary>A line of <c>/proc/self/cgroup</c> is "4:memory:/a/b" in version 1, and "0::/a/b" in version 2. Each group above has a
    /// limit of its own. Within a container the path may be that of outside: then only the top is there, and is the container's.</summary>
    private static ulong? ReadContainer(string root)
    {
        ulong? least = null;
        foreach (string[] parts in Lines(Path.Combine(root, "proc/self/cgroup")).Select(line => line.Split(':', 3)).Where(parts => parts.Length == 3))
        {
            (string Mount, string Limit, string Use)? files = parts switch
            {
                ["0", "", _] => ("sys/fs/cgroup", "memory.max", "memory.current"),
                [_, var controllers, _] when controllers.Split(',').Contains("memory") =>
                    ("sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes"),
                _ => null,
            };
            if (files is not { } names)
            {
                continue;
            }

            for (string path = parts[2].Trim('/'); ; path = Path.GetDirectoryName(path) ?? string.Empty)
            {
                ulong? left = Left(Path.Combine(root, names.Mount, path), names.Limit, names.Use);
                least = left is null ? least : Math.Min(left.Value, least ?? ulong.MaxValue);
                if (path.Length == 0)
                {
                    break;
                }
            }
        }

        return least;
    }

    // Files that were read and not written to count as used, and go when there is need.
    private static ulong? Left(string group, string limitFile, string useFile)
    {
        // Version 1 writes "no limit" as the largest number of pages.
        const ulong NoLimit = 1UL << 62;
        if (Parse(Lines(Path.Combine(group, limitFile)).FirstOrDefault()) is not ulong limit || limit >= NoLimit)
        {
            return null;
        }

        ulong used = Parse(Lines(Path.Combine(group, useFile)).FirstOrDefault()) ?? 0;
        ulong spare = Lines(Path.Combine(group, "memory.stat"))
            .Where(line => line.StartsWith("inactive_file ", StringComparison.Ordinal))
            .Select(line => Parse(line["inactive_file ".Length..]))
            .FirstOrDefault() ?? 0;
        used -= Math.Min(used, spare);
        return limit - Math.Min(limit, used);
    }

    private static string[] Lines(string file)
    {
        try
        {
            return File.Exists(file) ? File.ReadAllLines(file) : [];
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static ulong? Parse(string? text) =>
        ulong.TryParse(text?.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out ulong value) ? value : null;
}
