using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Importing;

/// <summary>A recall runs no code of others before it is over, and tells everybody then.</summary>
public class RecallTests
{
    /// <summary>What comes back is just what is waited for. Who waits is told of it after the recall: what others free then is
    /// heard.</summary>
    [Fact]
    public void Nobody_is_handed_anything_in_the_middle_of_a_recall()
    {
        using Arena<uint> apart = new("apart", 0, 2, 1);
        apart.Free(apart.Allocate(1) + apart.Allocate(1), 1);
        ValueTask<uint> other = apart.AllocateAsync(2, TestContext.Current.CancellationToken);
        HookedSource source = new();
        using Arena<uint> pool = new("pool", 0, 8, 1, new ArenaOptions<uint> { Source = source });
        using Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = pool });
        uint held = child.Allocate(8);
        source.OnSubscribe = () => child.Free(held, 8);
        source.OnUnsubscribe = () => apart.Free(0, 1);
        Assert.True(pool.AllocateAsync(8, TestContext.Current.CancellationToken).AsTask().IsCompletedSuccessfully);
        Assert.True(other.IsCompletedSuccessfully);
        pool.Validate();
        child.Validate();
    }

    [Fact]
    public void A_release_that_throws_keeps_nobody_from_being_told_of_the_others()
    {
        using Arena<uint> pool = new("pool", 0, 100, 1);
        Arena<uint> child = new("child", 1, new ArenaOptions<uint> { Source = pool, RetainedImport = 100 });
        using Arena<uint> sibling = new("sibling", 1, new ArenaOptions<uint> { Source = pool });
        uint[] held = [child.Allocate(10), child.Allocate(20)];
        child.Free(held[0], 10);
        child.Free(held[1], 20);
        pool.Free(held[0], 10);                   // which is not ours to free
        int told = 0;
        ((INotifyingArenaSource<uint>)child).Subscribe(() => told++);
        Assert.Throws<InvalidFreeException>(() => sibling.TryAllocate(101, out _));
        Assert.True(told > 0);
        Assert.Equal((0u, 0u), (child.GetStatistics().TotalSize, pool.GetStatistics().InUse));
        child.Dispose();
    }

    private sealed class HookedSource : INotifyingArenaSource<uint>
    {
        private readonly ScriptedSource<uint> _inner = TestSources.Empty(1u);

        public Action? OnSubscribe { get; set; }

        public Action? OnUnsubscribe { get; set; }

        public uint Quantum => _inner.Quantum;

        public bool TryImport(uint size, in RangeConstraints<uint> constraints, out uint start, out uint imported) =>
            _inner.TryImport(size, constraints, out start, out imported);

        public void Release(uint start, uint size) => _inner.Release(start, size);

        public void Subscribe(Action mayHaveRoom) => OnSubscribe?.Invoke();

        public void Unsubscribe(Action mayHaveRoom) => OnUnsubscribe?.Invoke();
    }

    /// <summary>What comes back in the midst of a recall is kept until its end, and no longer.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_recall_leaves_no_more_empty_imports_than_are_to_be_kept(bool listens)
    {
        using Arena<ulong> ground = new("ground", 0, 5 * 4_096, 1);
        using Arena<ulong> middle = new("middle", 1, new ArenaOptions<ulong> { Source = ground, MinImport = 4_096 });
        using Arena<ulong> top = new("top", 1, new ArenaOptions<ulong> { Source = middle, MinImport = 4_096, RetainedImport = 1 << 20 });
        if (listens)                              // there is a waiting room then
        {
            Action nothing = static () => { };
            ((INotifyingArenaSource<ulong>)middle).Subscribe(nothing);
            ((INotifyingArenaSource<ulong>)middle).Unsubscribe(nothing);
        }

        ulong[] held = [.. Enumerable.Range(0, 5).Select(_ => top.Allocate(4_096))];
        Array.ForEach(held, start => top.Free(start, 4_096));
        Assert.True(middle.TryAllocate(4_096, out ulong taken));
        Assert.Equal(2 * 4_096ul, ground.GetStatistics().InUse);        // what was taken, and one empty import
        middle.Free(taken, 4_096);
    }
}
