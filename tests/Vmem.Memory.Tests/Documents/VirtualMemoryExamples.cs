using Xunit;

namespace Vmem.Memory.Tests.Documents;

/// <summary>What docs/memory.md says of an arena over the system's address space.</summary>
public unsafe class VirtualMemoryExamples
{
    [Fact]
    public void Pages_of_an_arena()
    {
        using Arena<nuint> pages = new("pages", VirtualMemory.PageSize, new() { Source = VirtualMemory.Source, MinImport = 64 << 20 });
        nuint start = pages.AllocateConstrained(1 << 20, new() { Align = 1 << 16 });
        VirtualMemory.Commit((void*)start, 1 << 20);
        Assert.Equal(0u, start % (1 << 16));
        Assert.Equal(-1, new Span<byte>((void*)start, 1 << 20).IndexOfAnyExcept((byte)0));
        Assert.Equal(64u << 20, pages.GetStatistics().Imported);
    }
}
