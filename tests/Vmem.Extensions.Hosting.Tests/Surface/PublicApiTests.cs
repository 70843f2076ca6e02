using System.Reflection;
using System.Runtime.CompilerServices;
using Vmem.Memory;
using Vmem.Testing.Surface;

namespace Vmem.Extensions.Hosting.Tests.Surface;

public class PublicApiTests
{
    private static readonly Assembly s_hosting = typeof(VmemServices).Assembly;

    /// <summary>A change of the public surface must be seen in review: it shows as a change of the listing.</summary>
    [Fact]
    public void The_public_surface_is_the_checked_in_one() =>
        PublicApi.Check(s_hosting, Path.Combine(ThisFolder(), "Vmem.Extensions.Hosting.PublicApi.txt"));

    [Fact]
    public void It_uses_public_members_of_Vmem_only()
    {
        Assert.Empty(PackageBoundary.Breaches(s_hosting, typeof(Arena<>).Assembly));
        Assert.Empty(PackageBoundary.Breaches(s_hosting, typeof(NativeHeap).Assembly));
        Assert.Empty(PackageBoundary.Friends(s_hosting));
    }

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
