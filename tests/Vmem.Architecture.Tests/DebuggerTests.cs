using System.Diagnostics;
using System.Reflection;
using Vmem.Memory;
using Vmem.Testing.Surface;

namespace Vmem.Architecture.Tests;

/// <summary>A debugger shows what an object is, and not the name of its type.</summary>
public class DebuggerTests
{
    public static TheoryData<string> Packages => [.. Projects.All.Select(static row => row.Data).Where(static project => project != "Vmem.Tool")];

    [Theory]
    [MemberData(nameof(Packages))]
    public void Each_public_type_says_what_it_is(string package) => None.Of(DebuggerDisplays.Faults(Assembly.Load(package)));

    /// <summary>The rule can fail.</summary>
    [Fact]
    public void A_type_that_says_nothing_or_names_no_member_is_found()
    {
        IReadOnlyList<string> faults = DebuggerDisplays.Faults(typeof(DebuggerTests).Assembly);
        Assert.Contains($"{typeof(DebuggerTests)} has no DebuggerDisplay.", faults);
        Assert.Contains($"{typeof(Wrong)} shows {{Path.Nothing}}, which is no member.", faults);
        Assert.DoesNotContain(faults, static fault => fault.StartsWith($"{typeof(Right)} ", StringComparison.Ordinal));
    }

    [Fact]
    public unsafe void It_shows_what_there_is()
    {
        using Arena<uint> arena = new("ids", 0, 100, 1);
        _ = arena.Allocate(10);
        Assert.Equal("ids: 10 of 100 allocated, InstantFit", DebuggerDisplays.TextOf(arena));
        Assert.Equal("10 of 100 in use, 90 free, 90 of it in one piece", DebuggerDisplays.TextOf(arena.GetStatistics()));
        Assert.Equal("10 at 0, Allocated", DebuggerDisplays.TextOf(arena.GetSegments().ElementAt(1)));
        Assert.Equal("ids: 1 spans, InstantFit, quantum 1", DebuggerDisplays.TextOf(arena.Snapshot()));
        using ObjectCache<object> cache = new("objects", static () => new object());
        cache.Return(cache.Rent());
        Assert.Equal("objects: 1 constructed, 0 destructed", DebuggerDisplays.TextOf(cache));
        using MemoryContext context = new(1 << 20, new MemoryContextOptions { Name = "scripts" });
        using MemoryClient client = context.CreateClient("script", 1 << 16);
        _ = client.Allocate(100);
        Assert.Equal("scripts: 1048576 bytes, 1 clients", DebuggerDisplays.TextOf(context));
        Assert.Matches("^script: 128 bytes in use, [0-9]+ held, quota 65536$", DebuggerDisplays.TextOf(client));
    }

    /// <summary>A display that names no member.</summary>
    [DebuggerDisplay("{Path.Nothing}")]
    public sealed class Wrong
    {
        public string Path { get; } = "";
    }

    /// <summary>A display that is right.</summary>
    [DebuggerDisplay("{Path.Length}, {ToString(),nq}")]
    public sealed class Right
    {
        public string Path { get; } = "";
    }
}
