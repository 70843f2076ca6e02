using System.Reflection;
using System.Runtime.CompilerServices;
using Vmem.Testing.Surface;

namespace Vmem.Vulkan.Tests.Surface;

public class PublicApiTests
{
    private static readonly Assembly s_vulkan = typeof(GpuMemory).Assembly;

    /// <summary>A change of the public surface must be seen in review: it shows as a change of Vmem.Vulkan.PublicApi.txt.</summary>
    [Fact]
    public void The_public_surface_is_the_checked_in_one() =>
        PublicApi.Check(s_vulkan, Path.Combine(ThisFolder(), "Vmem.Vulkan.PublicApi.txt"));

    [Fact]
    public void It_uses_public_members_of_Vmem_only()
    {
        Assert.Empty(PackageBoundary.Breaches(s_vulkan, typeof(Arena<>).Assembly));
        Assert.Equal(["Vmem.Vulkan.Tests"], PackageBoundary.Friends(s_vulkan));
    }

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
