using Vmem.Memory.Heap;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Magazines of a heap that has ended, kept for the thread's next heap. Each test has a thread of its own, which has kept
/// none.</summary>
public class SpareMagazinesTests
{
    private const int Padding = 16;               // of a magazine's own memory

    [Fact]
    public void They_are_taken_once_and_are_as_new() => OnThread(static () =>
    {
        Assert.Null(SpareMagazines.Take());
        HeapMagazine[] magazines = [Used(8), default, Used(6)];
        SpareMagazines.Keep(magazines);
        Assert.Same(magazines, SpareMagazines.Take());
        Assert.Null(SpareMagazines.Take());
        Assert.All(magazines, static magazine => Assert.Equal(
            (false, false, 0, 0L), (magazine.IsOpen, magazine.HasRoom, magazine.Rounds, magazine.Taken)));
        foreach (ref HeapMagazine magazine in magazines.AsSpan())
        {
            Assert.True(magazine.TryOpen(8) && magazine.SeemsIdle() && !magazine.TryPop(out _));
            Assert.Equal(HeapMagazine.LeastBatch, magazine.NextBatch());
        }
    });

    [Fact]
    public void Four_stacks_are_kept_and_each_serves_one_of_its_length() => OnThread(static () =>
    {
        Assert.Null(SpareMagazines.TakeItems(8 + Padding));
        SpareMagazines.Keep([Used(8), Used(6), default, Used(8), Used(4), Used(2)]);
        Assert.Null(SpareMagazines.TakeItems(7 + Padding));
        nuint[]? first = SpareMagazines.TakeItems(8 + Padding);
        nuint[]? second = SpareMagazines.TakeItems(8 + Padding);
        Assert.Equal((8 + Padding, 8 + Padding), (first!.Length, second!.Length));
        Assert.NotSame(first, second);
        Assert.Null(SpareMagazines.TakeItems(8 + Padding));
        Assert.Null(SpareMagazines.TakeItems(2 + Padding));
        SpareMagazines.Keep([Used(2)]);           // there is room for it now
        Assert.All((int[])[2, 4, 6], static length => Assert.Equal(length + Padding, SpareMagazines.TakeItems(length + Padding)!.Length));
        Assert.Null(SpareMagazines.TakeItems(4 + Padding));
    });

    /// <summary>A magazine that a thread opens has the memory of one that it had before.</summary>
    [Fact]
    public void A_magazine_that_is_opened_makes_no_memory_if_some_is_kept() => OnThread(static () =>
    {
        SpareMagazines.Keep([Used(8)]);
        HeapMagazine magazine = default;
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.True(magazine.TryOpen(8));
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Null(SpareMagazines.TakeItems(8 + Padding));
        Assert.True(magazine.TryPush(1) && magazine.TryPop(out nuint block) && block == 1);
    });

    private static HeapMagazine Used(int capacity)
    {
        HeapMagazine magazine = default;
        Assert.True(magazine.TryOpen(capacity) && magazine.TryPush(1) && magazine.TryPush(2) && magazine.TryPop(out _));
        _ = magazine.NextBatch();
        _ = magazine.SeemsIdle();
        return magazine;
    }

    private static void OnThread(Action test)
    {
        Exception? fault = null;
        Thread thread = new(() => fault = Record.Exception(test));
        thread.Start();
        thread.Join();
        Assert.Null(fault);
    }
}
