using System.Runtime.CompilerServices;
using Vmem.Checks;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Who holds what in a client, and the story behind a wrong free.</summary>
public sealed unsafe class ClientAuditTests : IDisposable
{
    private readonly MemoryContext _context = new(8 << 20, new MemoryContextOptions
    {
        Features = MemoryContextFeatures.Audit | MemoryContextFeatures.Synchronized,
    });

    public void Dispose() => _context.Dispose();

    [Fact]
    public void Live_blocks_are_grouped_by_who_allocated_them()
    {
        using MemoryClient client = _context.CreateClient("plug-in");
        nuint[] first = [.. Enumerable.Range(0, 10).Select(_ => Leak(client, 1_000))];
        _ = LeakMore(client, 200_000);
        AuditReport<nuint> report = client.GetAuditReport();
        Assert.Equal((11L, (nuint)210_000), (report.Ranges, report.Size));
        Assert.Contains(nameof(LeakMore), report.Groups[0].Stack, StringComparison.Ordinal);
        Assert.Contains("client 'plug-in'", report.ToString(), StringComparison.Ordinal);
        client.Free((void*)first[3]);
        Assert.True(client.TryResize((void*)first[4], 500));
        report = client.GetAuditReport();
        Assert.Equal((10L, (nuint)208_500), (report.Ranges, report.Size));
        client.Free(client.Reallocate((void*)first[5], 30_000));
        Assert.Equal((9L, (nuint)207_500), (client.GetAuditReport().Ranges, client.GetAuditReport().Size));
        _context.Validate();
    }

    [Fact]
    public void A_second_free_is_told_who_freed_the_block_and_who_had_it()
    {
        using MemoryClient client = _context.CreateClient("script");
        var block = (void*)Leak(client, 100);
        FreeHere(client, block);
        InvalidFreeException twice = Assert.Throws<InvalidFreeException>(() => client.Free(block));
        Assert.Equal(InvalidFreeReason.AlreadyFree, twice.Reason);
        Assert.Contains(nameof(FreeHere), twice.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(Leak), twice.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was changed", twice.Message, StringComparison.Ordinal);
    }

    /// <summary>Who freed it is not known then, but that it was is.</summary>
    [Fact]
    public void A_free_without_memory_for_its_record_is_told()
    {
        using MemoryClient client = _context.CreateClient("poor");
        var block = (void*)Leak(client, 100);
        using (GrowthFault.Inject(static () => true))
        {
            FreeHere(client, block);
        }

        string twice = Assert.Throws<InvalidFreeException>(() => client.Free(block)).Message;
        Assert.Contains($"\nThe block of 100 bytes at 0x{(nuint)block:x} was freed.\nIt had been allocated", twice, StringComparison.Ordinal);
        Assert.DoesNotContain(nameof(FreeHere), twice, StringComparison.Ordinal);
        Assert.Equal(0, client.GetAuditReport().Ranges);
    }

    /// <summary>By a mark, by a reset, by the end: what went as a whole is nobody's any more.</summary>
    [Fact]
    public void What_went_at_once_is_forgotten()
    {
        using MemoryClient client = _context.CreateClient("rounds");
        _ = Leak(client, 100);
        MemoryMark mark = client.Mark();
        for (int i = 0; i < 50; i++)
        {
            _ = LeakMore(client, 1_000);
        }

        Assert.Equal(51, client.GetAuditReport().Ranges);
        client.Release(mark);
        Assert.Equal(1, client.GetAuditReport().Ranges);
        _context.Validate();
        nuint gone = Leak(client, 0);
        client.Reset();
        Assert.Equal(0, client.GetAuditReport().Ranges);
        Assert.Contains("(Release)", Assert.Throws<InvalidFreeException>(() => client.Free((void*)gone)).Message, StringComparison.Ordinal);
        _ = Leak(client, 100);
        client.Dispose();
        Assert.Equal(0, client.GetAuditReport().Ranges);
        _context.Validate();
    }

    /// <summary>Who had a block before tells nothing of the live one.</summary>
    [Fact]
    public void An_address_inside_a_live_block_has_no_story_of_a_former_one()
    {
        using MemoryClient client = _context.CreateClient("inside");
        FreeHere(client, (void*)Leak(client, 4_000));
        nuint again = Leak(client, 4_000);
        InvalidFreeException inside = Assert.Throws<InvalidFreeException>(() => client.Free((void*)(again + 64)));
        Assert.Equal(InvalidFreeReason.InteriorAddress, inside.Reason);
        Assert.DoesNotContain(nameof(FreeHere), inside.Message, StringComparison.Ordinal);
    }

    /// <summary>The records of each step are checked against the blocks that are there.</summary>
    [Fact]
    public void Records_and_blocks_agree_after_each_step()
    {
        using MemoryContext small = new(256 << 10, new MemoryContextOptions { Features = MemoryContextFeatures.Audit, BlockSize = 4_096 });
        using MemoryClient client = small.CreateClient("busy");
        Random random = new(11);
        List<nuint> blocks = [];
        for (int i = 0; i < 300; i++)
        {
            int step = random.Next(10);
            if (step < 5 || blocks.Count == 0)
            {
                blocks.Add(Leak(client, (nuint)random.Next(1, random.Next(10) == 0 ? 5_000 : 500)));
            }
            else
            {
                int at = random.Next(blocks.Count);
                if (step < 8)
                {
                    client.Free((void*)blocks[at]);
                    blocks.RemoveAt(at);
                }
                else
                {
                    blocks[at] = (nuint)client.Reallocate((void*)blocks[at], (nuint)random.Next(1, 2_000));
                }
            }

            small.Validate();
            Assert.Equal(blocks.Count, client.GetAuditReport().Ranges);
        }
    }

    [Fact]
    public void Who_keeps_no_owners_says_how_to()
    {
        using MemoryContext plain = new(1 << 20);
        using MemoryClient client = plain.CreateClient("plain");
        Assert.Contains("MemoryContextFeatures.Audit", Assert.Throws<InvalidOperationException>(client.GetAuditReport).Message, StringComparison.Ordinal);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nuint Leak(MemoryClient client, nuint size) => (nuint)client.Allocate(size);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static nuint LeakMore(MemoryClient client, nuint size) => (nuint)client.Allocate(size);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void FreeHere(MemoryClient client, void* block) => client.Free(block);
}
