using System.Reflection;
using System.Runtime.CompilerServices;
using Vmem.Memory;
using Vmem.Testing.Surface;

namespace Vmem.AspNetCore.Tests.Surface;

public class PublicApiTests
{
    private static readonly Assembly s_web = typeof(VmemWebHost).Assembly;

    /// <summary>A change of the public surface must be seen in review: it shows as a change of Vmem.AspNetCore.PublicApi.txt.</summary>
    [Fact]
    public void The_public_surface_is_the_checked_in_one() =>
        PublicApi.Check(s_web, Path.Combine(ThisFolder(), "Vmem.AspNetCore.PublicApi.txt"));

    [Fact]
    public void It_uses_public_members_of_Vmem_only()
    {
        Assert.Empty(PackageBoundary.Breaches(s_web, typeof(Arena<>).Assembly));
        Assert.Empty(PackageBoundary.Breaches(s_web, typeof(NativeHeap).Assembly));
        Assert.Empty(PackageBoundary.Friends(s_web));
    }

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
