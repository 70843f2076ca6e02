using System.Runtime.CompilerServices;
using Vmem.Testing.Surface;
using Xunit;

namespace Vmem.Memory.Tests.Surface;

public class PublicApiTests
{
    /// <summary>A change of the public surface must be seen in review: it shows as a change of Vmem.Memory.PublicApi.txt.</summary>
    [Fact]
    public void The_public_surface_is_the_checked_in_one() =>
        PublicApi.Check(typeof(MemoryContext).Assembly, Path.Combine(ThisFolder(), "Vmem.Memory.PublicApi.txt"));

    /// <summary>The names that the design fixes.</summary>
    [Fact]
    public void No_name_that_the_design_fixes_is_missing()
    {
        string surface = PublicApi.Describe(typeof(MemoryContext).Assembly);
        string[] members =
        [
            "new(Void* block, UIntPtr size, MemoryContextOptions options = default)",
            "new(UIntPtr size, MemoryContextOptions options = default)",
            "static MemoryContextFeatures SupportedFeatures { get; }",
            "MemoryContextFeatures Features { get; }",
            "MemoryClient CreateClient(String name, UIntPtr quota = default)",
            "MemoryContextStatistics GetStatistics()",
            "Void Validate()",
            "Void* Allocate(UIntPtr size)",
            "Boolean TryAllocate(UIntPtr size, out Void* block)",
            "Void Free(Void* block)",
            "Boolean Owns(Void* address)",
            "UIntPtr GetSize(Void* block)",
            "MemoryClientStatistics GetStatistics()",
        ];
        Assert.All(members, member => Assert.Contains($"    {member}\n", surface, StringComparison.Ordinal));
        string[] features = ["None", "ZeroOnAllocate", "ZeroOnFree", "PoisonOnFree", "GuardBytes", "Synchronized"];
        Assert.All(features, name => Assert.Contains($"const MemoryContextFeatures {name} = ", surface, StringComparison.Ordinal));
    }

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
