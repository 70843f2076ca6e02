using Vmem.Leasing.Sessions;
using Vmem.Leasing.Tests.Fakes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Tests.Arenas;

/// <summary>Whoever listens to a leased arena may throw. What was leased meanwhile is there once.</summary>
public sealed class LeasedArenaListenerTests : LeasedArenaFixture
{
    [Fact]
    public async Task A_span_whose_coming_a_listener_could_not_hear_of_is_one_lease_and_one_span()
    {
        LeasedArena<ulong> arena = await OpenAsync(await Processes.OpenAsync(), Fleet.Ids(24, 8, 1));
        int caller = Environment.CurrentManagedThreadId;
        bool isInside = true;
        bool hasThrown = false;
        ((INotifyingArenaSource<ulong>)arena.Arena).Subscribe(() =>
        {
            if (!hasThrown && !(isInside && Environment.CurrentManagedThreadId == caller))
            {
                hasThrown = true;
                throw new InvalidOperationException("mine");
            }
        });
        Assert.True(arena.TryAllocate(8, out _));                     // the stock has one less, and gets the next
        isInside = false;
        await UntilAsync(() => Task.FromResult(Processes.Faults.Any(static fault => fault.Message == "mine")));
        Processes.Pass(0.5);                                          // longer than it takes to ask again
        LeasedRange<ulong> range = await FinishAsync(arena.AllocateAsync(8, default, Token));
        await UntilAsync(async () => (await Processes.Memory.GetUsageAsync(1, Token)).Leased == 24);
        arena.Free(range, clean: true);
        await UntilAsync(async () => (await Processes.Memory.GetUsageAsync(1, Token)).Leased == 16);

        LeasedArena<ulong> theirs = await OpenAsync(await Processes.OpenOtherAsync(), Fleet.Ids(24, 8));
        LeasedRange<ulong> other = await FinishAsync(theirs.AllocateAsync(8, default, Token));
        Assert.Equal(range.Start, other.Start);                       // it is theirs now
        Assert.True(arena.TryAllocate(8, out LeasedRange<ulong> last));
        Assert.NotEqual(other.Start, last.Start);
    }

    /// <summary>One who asks again after an answer that it could not take in gets the lease that it has.</summary>
    [Fact]
    public async Task A_lease_that_is_granted_again_is_held_once()
    {
        LeaseSession session = await Processes.OpenAsync();
        LeaseDefinition definition = new() { Start = 0, Size = 8, Type = nameof(UInt64), Quarantine = Fleet.Ttl };
        LeaseArena arena = await session.EnsureArenaAsync("ids", definition, mindsQuarantine: true, Token);
        LeaseRequest request = new(arena.Id, session.Instance, Guid.NewGuid(), 1);
        Nobody holder = new();
        Holding? first = (await session.GrantAsync(request, holder, "ids", Token)).Holding;
        Holding? second = (await session.GrantAsync(request, holder, "ids", Token)).Holding;
        Assert.NotNull(first);
        Assert.Same(first, second);
    }

    private sealed class Nobody : ILeaseHolder
    {
        public void Lose(Holding holding, string reason)
        {
        }

        public void Resume()
        {
        }

        public ValueTask CloseAsync() => ValueTask.CompletedTask;
    }
}
