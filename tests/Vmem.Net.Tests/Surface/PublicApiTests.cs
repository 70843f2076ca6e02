using System.Reflection;
using System.Runtime.CompilerServices;
using Vmem.Testing.Surface;

namespace Vmem.Net.Tests.Surface;

public class PublicApiTests
{
    private static readonly Assembly s_net = typeof(PrefixPool).Assembly;

    /// <summary>A change of the public surface must be seen in review: it shows as a change of Vmem.Net.PublicApi.txt.</summary>
    [Fact]
    public void The_public_surface_is_the_checked_in_one() =>
        PublicApi.Check(s_net, Path.Combine(ThisFolder(), "Vmem.Net.PublicApi.txt"));

    [Fact]
    public void It_uses_public_members_of_Vmem_only()
    {
        Assert.Empty(PackageBoundary.Breaches(s_net, typeof(Arena<>).Assembly));
        Assert.Empty(PackageBoundary.Friends(s_net));
    }

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
