using Xunit;

namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>Whatever is written next to a block is found, and said of which block.</summary>
public unsafe class RedZoneTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(24, 1)]
    [InlineData(64, 64)]
    [InlineData(1_000, 1)]
    [InlineData(1_000, 4_096)]
    [InlineData(32_760, 1)]
    [InlineData(100_000, 1)]
    [InlineData(100_000, 65_536)]
    public void Every_byte_of_both_red_zones_is_watched(int size, int alignment)
    {
        using NativeHeap heap = new(new NativeHeapOptions { Name = "fenced", Debugging = HeapDebugging.Default with { RedZone = 24 } });
        byte* block = (byte*)heap.AllocateAligned((nuint)size, (nuint)alignment);
        for (int i = 0; i < 2 * 24; i++)
        {
            int at = i < 24 ? -1 - i : size + i - 24;
            block[at] ^= 0x11;
            foreach (Action call in new Action[]
            {
                () => heap.Free(block),
                () => heap.Free(block, (nuint)size),
                () => heap.Reallocate(block, 5_000)
            })
            {
                NativeHeapStatistics before = UsersFigures.Of(heap);
                InvalidFreeException refusal = Assert.Throws<InvalidFreeException>(call);
                Assert.Equal(
                    (InvalidFreeReason.Corrupted, (UInt128)(nuint)block, (UInt128)size),
                    (refusal.Reason, refusal.Start, refusal.Size));
                Assert.Contains($"the byte at {at} is 0xea", refusal.Message, StringComparison.Ordinal);
                Assert.Contains(nameof(Every_byte_of_both_red_zones_is_watched), refusal.Message, StringComparison.Ordinal);
                Assert.Equal(before, UsersFigures.Of(heap));
            }

            string message = Assert.Throws<InvariantViolationException>(heap.Validate).Message;
            Assert.Contains($"0x{(nuint)block:x}", message, StringComparison.Ordinal);
            Assert.Contains(at < 0 ? "in front of its start" : "behind its end", message, StringComparison.Ordinal);
            block[at] ^= 0x11;
        }

        heap.Validate();
        heap.Free(block);
    }

    [Fact]
    public void Damage_that_nobody_came_across_is_told_at_Dispose()
    {
        List<HeapDamage> damages = [];
        NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.Default with { Damaged = damages.Add } });
        byte* under = (byte*)heap.Allocate(40);
        byte* over = (byte*)heap.Allocate(50);
        byte* after = (byte*)heap.Allocate(60);
        byte* fine = (byte*)heap.Allocate(70);
        heap.Free(after);
        under[-16] = 1;
        over[50] = 2;
        after[59] = 3;
        fine[69] = 4;
        heap.Dispose();
        Assert.Equal(
            [
                (HeapDamageKind.WrittenBefore, (nuint)under, (nuint)40, -16, 1),
                (HeapDamageKind.WrittenBehind, (nuint)over, 50, 50, 2),
                (HeapDamageKind.WrittenAfterFree, (nuint)after, 60, 59, 3),
            ],
            damages.OrderBy(damage => damage.Size).Select(damage => (damage.Kind, damage.Block, damage.Size, damage.Offset, damage.Found)));
    }

    [Fact]
    public void A_red_zone_has_a_longest() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => HeapDebugging.Default with { RedZone = (1 << 20) + 1 });
}
