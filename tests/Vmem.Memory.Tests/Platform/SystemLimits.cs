using System.Runtime.InteropServices;
using Xunit;

namespace Vmem.Memory.Tests.Platform;

/// <summary>struct rlimit.</summary>
internal readonly unsafe partial record struct SystemLimits(nuint Current, nuint Maximum)
{
    /// <summary>RLIMIT_DATA: what is private and writable.</summary>
    public const int Data = 2;

    /// <summary>RLIMIT_AS.</summary>
    public const int AddressSpace = 9;

    public static SystemLimits Get(int resource)
    {
        SystemLimits limits;
        Assert.Equal(0, getrlimit(resource, &limits));
        return limits;
    }

    public static void Set(int resource, SystemLimits limits) => Assert.Equal(0, setrlimit(resource, &limits));

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, SystemLimits* limits);

    [LibraryImport("libc")]
    private static partial int setrlimit(int resource, SystemLimits* limits);
}
