using System.Reflection;
using Vmem.Testing.Surface;

namespace Vmem.Leasing.Tests.Surface;

/// <summary>Vmem.Leasing runs on every version of Vmem that has the public members it was built with.</summary>
public class PackageBoundaryTests
{
    private static readonly Assembly s_leasing = typeof(LeaseSession).Assembly;

    [Fact]
    public void Vmem_Leasing_uses_public_members_of_Vmem_only() =>
        Assert.Empty(PackageBoundary.Breaches(s_leasing, typeof(Arena<>).Assembly));

    [Fact]
    public void Only_tests_see_the_internals() => Assert.Equal(["Vmem.Leasing.Tests"], PackageBoundary.Friends(s_leasing));

    /// <summary>These tests use internals.</summary>
    [Fact]
    public void The_use_of_an_internal_would_be_found() =>
        Assert.Contains("Vmem.Leasing.Protocol.LeaseRules", PackageBoundary.Breaches(typeof(PackageBoundaryTests).Assembly, s_leasing));
}
