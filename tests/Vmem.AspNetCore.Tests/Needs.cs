using System.Diagnostics.CodeAnalysis;

namespace Vmem;

/// <summary>What a test needs of the machine: without it the test is skipped, and in CI it fails.</summary>
internal static class Needs
{
    /// <summary>A program or library that comes with a package of Debian.</summary>
    [DoesNotReturn]
    public static void Package(string what, string package)
    {
        string reason = $"This test needs {what}: apt-get install {package}";
        Assert.False(Environment.GetEnvironmentVariable("CI") == "true", reason);
        Assert.Skip(reason);
    }
}
