using System.Reflection;
using Vmem.Extensions.ObjectPool;
using Vmem.Testing.Surface;
using Xunit;

namespace Vmem.Tests.Surface;

public class PackageBoundaryTests
{
    private static readonly Assembly s_vmem = typeof(Arena<>).Assembly;
    private static readonly Assembly s_objectPool = typeof(ObjectCachePool<>).Assembly;

    [Fact]
    public void Vmem_Extensions_ObjectPool_uses_public_members_of_Vmem_only() =>
        Assert.Empty(PackageBoundary.Breaches(s_objectPool, s_vmem));

    [Fact]
    public void Only_tests_see_internals()
    {
        Assert.NotEmpty(PackageBoundary.Friends(s_vmem));
        Assert.Empty(PackageBoundary.Friends(s_vmem).Except(PackageBoundary.TestProjects()));
        Assert.Empty(PackageBoundary.Friends(s_objectPool));
    }

    /// <summary>These tests use internal types, and internal members of public ones.</summary>
    [Fact]
    public void The_use_of_an_internal_would_be_found()
    {
        IReadOnlyList<string> breaches = PackageBoundary.Breaches(typeof(PackageBoundaryTests).Assembly, s_vmem);
        Assert.Contains("Vmem.Checks.StepCounter", breaches);
        Assert.Contains("Vmem.ArenaMetrics: static Void RecordWait(String, System.TimeSpan)", breaches);
        Assert.DoesNotContain("Vmem.Arena`1", breaches);
        Assert.DoesNotContain(breaches, breach => breach.StartsWith("Vmem.ArenaOptions`1", StringComparison.Ordinal));
    }
}
