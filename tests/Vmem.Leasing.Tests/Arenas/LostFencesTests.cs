using Vmem.Leasing.Arenas;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>The fences that were lost last.</summary>
public sealed class LostFencesTests
{
    [Fact]
    public void The_last_1024_are_remembered_each_once()
    {
        LostFences fences = new();
        Assert.False(fences.Contains(0));
        for (long fence = 0; fence < 1024; fence++)
        {
            fences.Add(fence);
            fences.Add(fence);
        }

        Assert.All(Enumerable.Range(0, 1024), fence => Assert.True(fences.Contains(fence)));
        fences.Add(5000);
        Assert.Equal((false, true, true), (fences.Contains(0), fences.Contains(1), fences.Contains(5000)));
        fences.Add(0);
        Assert.Equal((true, false, true), (fences.Contains(0), fences.Contains(1), fences.Contains(2)));
    }
}
