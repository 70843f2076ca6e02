using System.Reflection;
using Vmem.Testing.Surface;
using Xunit;

namespace Vmem.Memory.Tests.Surface;

/// <summary>Vmem.Memory runs on every version of Vmem that has the public members it was built with.</summary>
public class PackageBoundaryTests
{
    private static readonly Assembly s_memory = typeof(NativeHeap).Assembly;
    private static readonly Assembly s_vmem = typeof(Arena<>).Assembly;

    [Fact]
    public void Vmem_Memory_uses_public_members_of_Vmem_only() => Assert.Empty(PackageBoundary.Breaches(s_memory, s_vmem));

    [Fact]
    public void Only_tests_see_the_internals() => Assert.Equal(["Vmem.Memory.Tests"], PackageBoundary.Friends(s_memory));

    /// <summary>These tests use internals, and accessors.</summary>
    [Fact]
    public void The_use_of_an_internal_would_be_found()
    {
        IReadOnlyList<string> breaches = PackageBoundary.Breaches(typeof(PackageBoundaryTests).Assembly, s_memory);
        Assert.Contains("Vmem.Memory.Heap.HeapSpace", breaches);
        Assert.Contains("UnsafeAccessorAttribute", breaches);
        Assert.Contains("Vmem.Memory.MemoryMetrics: static Vmem.Diagnostics.MeteredRegistry get_Heaps()", breaches);
        Assert.DoesNotContain("Vmem.Memory.NativeHeap", breaches);
    }
}
