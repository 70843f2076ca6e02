using Vmem.Checks;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Lifetimes;

/// <summary>The end of an arena, and of its listening, goes all the way, whatever is thrown on it.</summary>
public class DisposeFaultTests
{
    [Fact]
    public void Imports_go_back_without_memory()
    {
        ScriptedSource<uint> source = TestSources.Ascending(1u, 0u);
        Arena<uint> arena = new("ended", 1, new ArenaOptions<uint> { Source = source });
        Assert.Equal(5, arena.TryAllocateMany(10, new uint[5]));
        using (GrowthFault.Inject(static () => true))
        {
            arena.Dispose();
        }

        Assert.Equal((5, 0, 0), (source.Releases, source.WrongReleases, source.Outstanding.Count));
    }

    [Fact]
    public void Imports_at_both_ends_of_the_type_go_back_and_spans_between_them_do_not()
    {
        Queue<(byte Start, byte Size)> answers = new([(0, 10), (246, 10), (100, 5)]);
        ScriptedSource<byte> source = new(1, (_, _) => answers.Dequeue());
        Arena<byte> arena = new("ended", 1, new ArenaOptions<byte> { Source = source });
        arena.AddSpan(50, 10);
        Assert.Equal(3, arena.TryAllocateMany(10, new byte[3]));
        Assert.True(arena.TryAllocate(5, out _));
        source.OnRelease = (_, _) => throw new TimeZoneNotFoundException("of the source's own");
        Assert.Throws<TimeZoneNotFoundException>(arena.Dispose);
        Assert.Equal((3, 0, 0), (source.Releases, source.WrongReleases, source.Outstanding.Count));
    }

    /// <summary>The source is subscribed to twice, as the first subscription leads to another wait. Both end, though it throws at the
    /// first.</summary>
    [Fact]
    public void Every_subscription_ends_when_the_source_throws_at_one()
    {
        FussySource source = new();
        using Arena<uint> arena = new("listening", 1, new ArenaOptions<uint> { Source = source, SharesSource = false });
        using CancellationTokenSource cancel = new();
        ValueTask<uint> second = default;
        source.OnSubscribe = () => second = arena.AllocateAsync(10, cancel.Token);
        ValueTask<uint> first = arena.AllocateAsync(10, cancel.Token);
        Assert.Equal(2, source.Subscribed);
        Assert.NotNull(Record.Exception(cancel.Cancel));
        Assert.Equal((2, 2), (source.Subscribed, source.Unsubscribed));
        Assert.True(first.IsCanceled && second.IsCanceled);
    }

    private sealed class FussySource : INotifyingArenaSource<uint>
    {
        public Action? OnSubscribe { get; set; }

        public int Subscribed { get; private set; }

        public int Unsubscribed { get; private set; }

        public uint Quantum => 1;

        public bool TryImport(uint size, in RangeConstraints<uint> constraints, out uint start, out uint imported)
        {
            start = imported = 0;
            return false;
        }

        public void Release(uint start, uint size)
        {
        }

        public void Subscribe(Action mayHaveRoom)
        {
            Subscribed++;
            (Action? onSubscribe, OnSubscribe) = (OnSubscribe, null);
            onSubscribe?.Invoke();
        }

        public void Unsubscribe(Action mayHaveRoom)
        {
            if (++Unsubscribed == 1)
            {
                throw new TimeZoneNotFoundException("at the first");
            }
        }
    }
}
