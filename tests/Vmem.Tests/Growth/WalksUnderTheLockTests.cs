using System.Reflection;
using Vmem.Checks;
using Xunit;

namespace Vmem.Tests.Growth;

/// <summary>What has to walk along many segments gives the lock back on the way.</summary>
public sealed class WalksUnderTheLockTests
{
    private const int Segments = 200_000;

    /// <summary>The longest walk under one lock, and what goes before and after it, in the middle.</summary>
    private const long Bound = 3 * 4096;

    [Fact]
    public void A_batch_with_a_mistake_in_it()
    {
        using Arena<ulong> arena = Filled(out RangeHandle<ulong>[] handles);
        RangeHandle<ulong> handle = handles[Segments - 10];
        InvalidFreeException? mistake = null;
        Check(arena, () => mistake = Assert.Throws<InvalidFreeException>(() => arena.FreeMany([handle.Start], 3)));
        Assert.Equal(InvalidFreeReason.OtherOwner, mistake!.Reason);
        Check(arena, () => mistake = Assert.Throws<InvalidFreeException>(() => arena.FreeMany([handles[Segments / 2].Start + 1], 3)));
        Assert.Equal(InvalidFreeReason.InteriorAddress, mistake!.Reason);
    }

    /// <summary>A handle's tag may be moved when the tables become smaller. Then it is found by its start; a stale one is not.</summary>
    [Theory]
    [InlineData("free")]
    [InlineData("free many")]
    [InlineData("extend")]
    [InlineData("stale")]
    public void A_handle_whose_tag_was_moved(string call)
    {
        using Arena<ulong> arena = Filled(out RangeHandle<ulong>[] handles);
        RangeHandle<ulong> last = handles[^1];
        foreach (RangeHandle<ulong> handle in handles.AsSpan(0, Segments - 1))
        {
            arena.Free(handle);
        }

        arena.Reap();
        while (arena.GetStatistics().Free > 3)
        {
            Assert.True(arena.TryAllocateHandle(3, out _));
        }

        long live = arena.GetStatistics().LiveSegments;
        if (call == "stale")
        {
            RangeHandle<ulong> stale = handles[^2];
            Check(arena, () => Assert.Throws<InvalidFreeException>(() => arena.Free(stale)));
        }
        else
        {
            Check(arena, () =>
            {
                if (call == "free")
                {
                    arena.Free(last);
                }
                else if (call == "free many")
                {
                    arena.FreeMany([last]);
                    Assert.Equal(live - 1, arena.GetStatistics().LiveSegments);
                }
                else
                {
                    Assert.True(arena.TryExtend(last, 2, out _));
                }
            });
        }

        arena.Validate();
    }

    /// <summary>What an enumeration was to go on with has become part of something else.</summary>
    [Fact]
    public void An_enumeration_that_has_lost_its_place()
    {
        using Arena<ulong> arena = Filled(out RangeHandle<ulong>[] handles);
        using IEnumerator<Segment<ulong>> segments = arena.GetSegments().GetEnumerator();
        for (int i = 0; i < Segments / 2; i++)
        {
            Assert.True(segments.MoveNext());
        }

        foreach (RangeHandle<ulong> handle in handles.AsSpan(Segments / 2 - 2_000, 4_000))
        {
            arena.Free(handle);
        }

        Check(arena, () =>
        {
            while (segments.MoveNext())
            {
            }
        });
    }

    private static Arena<ulong> Filled(out RangeHandle<ulong>[] handles)
    {
        Arena<ulong> arena = new("filled", 0, 3 * Segments, 1);
        handles = new RangeHandle<ulong>[Segments];
        for (int i = 0; i < Segments; i++)
        {
            Assert.True(arena.TryAllocateHandle(3, out handles[i]));
        }

        return arena;
    }

    private static void Check(Arena<ulong> arena, Action call)
    {
        uint before = Entries(arena);
        _ = StepCounter.Take();
        call();
        long steps = StepCounter.Take();
        uint entries = Entries(arena) - before;
        Assert.True(steps <= Bound * entries, $"{steps} steps, and the lock was taken {entries} times");
    }

    /// <summary>How often the arena's lock has been taken.</summary>
    private static uint Entries(Arena<ulong> arena)
    {
        object space = Field(arena, "_space");
        return (uint)Field(Field(Field(space, "_lock"), "_entries"), "_value");
    }

    private static object Field(object owner, string name) =>
        owner.GetType().GetField(name, BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(owner)!;
}
