using Vmem.Diagnostics;
using Vmem.Extensions.ObjectPool;
using Xunit;

namespace Vmem.Tests.Auditing;

/// <summary>Which frames are the library's. How Native AOT names their assemblies was seen there; it is not the JIT's way.</summary>
public class AuditStackTests
{
    [Theory]
    [InlineData("Vmem")]
    [InlineData("Vmem, Version=1.0.0.0")]
    [InlineData("Vmem, Version=1.2.3.0, Culture=neutral, PublicKeyToken=null")]
    [InlineData("Vmem.Memory, Version=1.0.0.0")]
    [InlineData("Vmem.Extensions.ObjectPool")]
    public void The_librarys_assemblies_are_known_by_their_simple_names(string assembly) => Assert.True(AuditStacks.IsLibrary(assembly));

    [Theory]
    [InlineData("")]
    [InlineData("Vmem.Tests, Version=1.0.0.0")]
    [InlineData("Vme")]
    [InlineData("Vmem.Memory.Tests")]
    [InlineData("app, Version=1.0.0.0, Culture=neutral, PublicKeyToken=Vmem")]
    public void Others_are_not(string assembly) => Assert.False(AuditStacks.IsLibrary(assembly));

    [Fact]
    public void They_bear_these_names()
    {
        Assert.True(AuditStacks.IsLibrary(typeof(Arena<>).Assembly.FullName!));
        Assert.True(AuditStacks.IsLibrary(typeof(ObjectCachePool<>).Assembly.FullName!));
        Assert.False(AuditStacks.IsLibrary(typeof(AuditStackTests).Assembly.FullName!));
    }

    /// <summary>Every call that is recorded, from the front door of the caches to a source of another arena.</summary>
    [Fact]
    public void No_stack_begins_in_the_library()
    {
        using Arena<uint> parent = new("parent", 0, 4_096, 64, new ArenaOptions<uint> { Audit = true });
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Audit = true, QuantumCacheMax = 8, Source = parent });
        uint[] many = new uint[4];
        Assert.Equal(4, child.TryAllocateMany(3, many));
        Assert.True(child.TryAllocateHandle(7, out _));
        uint plain = child.Allocate(5);
        _ = child.AllocateConstrained(16, new() { Align = 16 });
        string[] stacks = [.. child.GetAuditReport().Groups.Concat(parent.GetAuditReport().Groups).Select(group => group.Stack)];
        string wrongFree = Assert.Throws<InvalidFreeException>(() => child.Free(plain, 6)).Message;
        string[] afterTitles = [
            .. wrongFree.Split('\n').SkipWhile(line => !line.EndsWith(':')).Where(line => line.StartsWith("   at ", StringComparison.Ordinal))
        ];
        string here = $"   at {typeof(AuditStackTests).FullName}.";
        Assert.True(stacks.Length >= 5, "Not every call was recorded.");
        Assert.All(stacks, stack => Assert.StartsWith(here, stack));
        Assert.NotEmpty(afterTitles);
        Assert.DoesNotContain(afterTitles, line => line.StartsWith("   at Vmem.Arena", StringComparison.Ordinal));
    }
}
