using System.Globalization;

namespace Vmem.Memory.Tests.Platform;

/// <summary>What Linux says about this process's address space (/proc/self): the word of a witness that VirtualMemory has no part
/// in.</summary>
internal static unsafe class ProcessMap
{
    /// <summary>The mappings that the range touches, in order, cut to it: "rw 4096" is readable and writable and that long; what is not
    /// mapped is left out.</summary>
    public static string Describe(void* start, nuint size)
    {
        List<string> pieces = [];
        foreach (string line in File.ReadLines("/proc/self/maps"))
        {
            string[] words = line.Split(' ', 3);
            string[] ends = words[0].Split('-');
            nuint first = nuint.Max(nuint.Parse(ends[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture), (nuint)start);
            nuint end = nuint.Min(nuint.Parse(ends[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture), (nuint)start + size);
            if (first < end)
            {
                pieces.Add($"{words[1][..2]} {end - first}");
            }
        }

        return string.Join(", ", pieces);
    }

    /// <summary>What the kernel keeps about the mapping that the address is in (VmFlags of smaps).</summary>
    public static string[] FlagsOf(void* address)
    {
        bool inside = false;
        foreach (string line in File.ReadLines("/proc/self/smaps"))
        {
            int dash = line.IndexOf('-', StringComparison.Ordinal);
            if (dash > 0 && nuint.TryParse(line[..dash], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out nuint first))
            {
                nuint end = nuint.Parse(
                    line[(dash + 1)..line.IndexOf(' ', StringComparison.Ordinal)],
                    NumberStyles.HexNumber,
                    CultureInfo.InvariantCulture);
                inside = first <= (nuint)address && (nuint)address < end;
            }
            else if (inside && line.StartsWith("VmFlags:", StringComparison.Ordinal))
            {
                return line["VmFlags:".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            }
        }

        return [];
    }

    /// <summary>Bytes of address space that the process has mapped, in all.</summary>
    public static long TotalSize =>
        long.Parse(File.ReadAllText("/proc/self/statm").Split(' ')[0], CultureInfo.InvariantCulture) * Environment.SystemPageSize;
}
