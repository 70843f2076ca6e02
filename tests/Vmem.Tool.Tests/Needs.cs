using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Vmem.Tool.Blocks;
using Vmem.Tool.Replay;

namespace Vmem.Tool.Tests;

/// <summary>
/// What a test needs of the machine. Where it is missing the test is skipped, and the reason says what to do about it. In CI, which has to
/// install everything, a missing package is an error.
/// </summary>
internal static class Needs
{
    /// <summary>In milliseconds: only what hangs takes so long. A busy machine may need a minute to start a program.</summary>
    public const int Patience = 600_000;

    /// <summary>A program or library that comes with a package of Debian.</summary>
    [DoesNotReturn]
    public static void Package(string what, string package)
    {
        string reason = $"This test needs {what}: apt-get install {package}";
        Assert.False(Environment.GetEnvironmentVariable("CI") == "true", reason);
        Assert.Skip(reason);
    }

    /// <summary>An allocator of real memory.</summary>
    public static void Allocator(AllocatorKind kind)
    {
        if (BlockAllocators.WhyAbsent(kind) is not string why)
        {
            return;
        }

        switch (kind)
        {
            case AllocatorKind.Mimalloc:
                Package("mimalloc", "libmimalloc2.0");
                break;
            case AllocatorKind.Jemalloc:
                Package("jemalloc, and a C library that loads it late", "libjemalloc2, and set GLIBC_TUNABLES=glibc.rtld.optional_static_tls=16384");
                break;
            default:
                Assert.Skip($"This test needs {AllocatorNames.NameOf(kind)}: {why}");
                break;
        }
    }

    /// <summary>The system's count of what a process has in memory.</summary>
    public static void ResidentMemory() =>
        Assert.SkipUnless(Blocks.ResidentMemory.IsKnown, "This test needs Linux, which says in /proc how much memory of a process is resident.");

    /// <summary>Ctrl-C for a child process.</summary>
    public static void Sigint()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "This test needs Linux or macOS: Windows cannot send Ctrl-C to one process.");
        Assert.SkipWhen(IgnoresSigint(), "This test needs a shell in the foreground: in the background, processes ignore Ctrl-C, and so do their children.");
    }

    private static bool IgnoresSigint()
    {
        const string Status = "/proc/self/status";
        const ulong Sigint = 1 << (2 - 1);
        string? ignored = File.Exists(Status)
            ? File.ReadLines(Status).FirstOrDefault(line => line.StartsWith("SigIgn:", StringComparison.Ordinal))
            : null;
        return ignored is not null
            && (ulong.Parse(ignored.AsSpan("SigIgn:".Length).Trim(), NumberStyles.HexNumber, CultureInfo.InvariantCulture) & Sigint) != 0;
    }
}
