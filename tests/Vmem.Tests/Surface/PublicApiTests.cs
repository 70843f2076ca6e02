using System.Runtime.CompilerServices;
using Vmem.Testing.Surface;
using Xunit;

namespace Vmem.Tests.Surface;

public class PublicApiTests
{
    /// <summary>A change of the public surface must be seen in review: it shows as a change of Vmem.PublicApi.txt.</summary>
    [Fact]
    public void The_public_surface_is_the_checked_in_one() =>
        PublicApi.Check(typeof(Arena<>).Assembly, Path.Combine(ThisFolder(), "Vmem.PublicApi.txt"));

    /// <summary>The names that the design fixes.</summary>
    [Fact]
    public void No_name_that_the_design_fixes_is_missing()
    {
        string surface = PublicApi.Describe(typeof(Arena<>).Assembly);
        string[] names =
        [
            "AddSpan", "TryRemoveSpan", "Allocate", "TryAllocate", "Free", "AllocateConstrained", "TryAllocateConstrained", "FreeConstrained", "TryAllocateMany", "FreeMany",
            "TryAllocateHandle", "TryExtend", "Contains", "TryGetSegment", "GetSegments", "GetStatistics", "Explain", "Snapshot", "Restore", "Dump", "Validate", "Reap",
            "Rent", "Return",
        ];
        Assert.All(names, name => Assert.Contains($" {name}(", surface, StringComparison.Ordinal));
    }

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
