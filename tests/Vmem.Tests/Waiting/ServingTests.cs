using Vmem.Checks;
using Vmem.Ranges;
using Vmem.Space;
using Vmem.Testing.Sources;
using Vmem.Waiting;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>The queue alone: whom it serves, how often it takes back what is lent, and when it asks for an import.</summary>
public sealed class ServingTests : IDisposable
{
    private const uint Size = 10;

    private readonly ScriptedSource<uint> _source = TestSources.Empty(1u);
    private readonly Supply _supply = new();
    private Space<uint> _space = null!;
    private WaitingRoom<uint> _room = null!;
    private uint[] _held = [];

    public ServingTests() => Make(new ArenaOptions<uint>());

    public void Dispose()
    {
        _space.Leave();
        using Visit<uint> visit = _space.VisitEvenEnded();
        if (_space.TryEnd())
        {
            _space.ReleaseTables();
        }
    }

    /// <summary>Ten ranges are held, and nothing is free.</summary>
    private void Make(ArenaOptions<uint> options)
    {
        _room = new WaitingRoom<uint>(_supply, source: null, TimeProvider.System);
        _space = new Space<uint>("served", 1, options with { Source = _source, RetainedImport = 1_000 });
        _room.Open(_space);
        _ = _space.Tell(_room);
        _space.AddSpan(0, 10 * Size, joinNeighbors: false);
        _held = [.. Enumerable.Range(0, 10).Select(_ => Take())];
    }

    private uint Take()
    {
        Assert.True(_space.TryTake(Size, FitPolicy.InstantFit, out uint start));
        return start;
    }

    private Waiter<uint> Wait(uint size = Size)
    {
        Request<uint> request = new(new Placement<uint>(size, default, 1), FitPolicy.InstantFit, RequestKind.Range);
        Waiter<uint> waiter = _room.Wait(request, tried: false, Timeout.InfiniteTimeSpan, CancellationToken.None);
        _supply.Forget();
        return waiter;
    }

    /// <summary>Frees ranges, and nobody hears of it.</summary>
    private bool Free(params int[] ranges)
    {
        Aftermath<uint> unheard = default;
        using Visit<uint> visit = _space.Visit(ref unheard);
        foreach (int range in ranges)
        {
            _space.Map.ReserveToFree();
            _space.FreeUnlisted(_space.Map.Delist(_held[range], Size));
        }

        return true;
    }

    private void MakeRoom(bool mayImport = false) => _room.RoomMayHaveCome(isOwnRelease: false, mayImport);

    [Fact]
    public void What_is_lent_is_taken_back_once_for_a_head_that_it_does_not_help()
    {
        Waiter<uint> waiter = Wait();
        _supply.Lent = static () => true;
        MakeRoom();
        Assert.Equal((WaitState.Queued, 1), (waiter.State, _supply.TakenBack));
        MakeRoom();
        Assert.Equal((WaitState.Queued, 2), (waiter.State, _supply.TakenBack));
    }

    [Fact]
    public void What_is_lent_is_taken_back_once_more_for_the_next_head()
    {
        Waiter<uint>[] waiters = [Wait(), Wait(), Wait()];
        _supply.Lent = () => _supply.TakenBack <= 2 && Free(_supply.TakenBack);
        MakeRoom();
        Assert.Equal([WaitState.Granted, WaitState.Granted, WaitState.Queued], waiters.Select(static waiter => waiter.State));
        Assert.Equal(3, _supply.TakenBack);
        Assert.Equal([_held[1], _held[2]], waiters.Take(2).Select(static waiter => waiter.Granted.Start));
    }

    [Fact]
    public void Nothing_is_taken_back_where_nobody_waits_or_all_are_served()
    {
        _supply.Lent = static () => true;
        MakeRoom();
        Assert.Equal(0, _supply.TakenBack);
        Waiter<uint> waiter = Wait();
        _ = Free(3);
        MakeRoom();
        Assert.Equal((WaitState.Granted, 0), (waiter.State, _supply.TakenBack));
    }

    /// <summary>The head wants more than is free: nobody is served before it.</summary>
    [Fact]
    public void Who_stands_behind_is_served_after_the_head_and_not_before()
    {
        Waiter<uint>[] waiters = [Wait(2 * Size), Wait(), Wait()];
        _ = Free(3);
        MakeRoom();
        Assert.All(waiters, static waiter => Assert.Equal(WaitState.Queued, waiter.State));
        _ = Free(4, 5);
        MakeRoom();
        Assert.Equal([WaitState.Granted, WaitState.Granted, WaitState.Queued], waiters.Select(static waiter => waiter.State));
        Assert.True(waiters[0].Task.IsCompletedSuccessfully && waiters[1].Task.IsCompletedSuccessfully);
    }

    /// <summary>Once for each piece of news. What is lent is taken back before, and not once more afterwards.</summary>
    [Fact]
    public void A_source_is_asked_for_a_head_until_it_has_nothing()
    {
        _supply.CanImport = true;
        Waiter<uint> waiter = Wait();
        MakeRoom(mayImport: true);
        Assert.Equal((WaitState.Queued, 1, 1), (waiter.State, _supply.Imports, _supply.TakenBack));
        MakeRoom();
        Assert.Equal((WaitState.Queued, 1, 2), (waiter.State, _supply.Imports, _supply.TakenBack));
        MakeRoom(mayImport: true);
        Assert.Equal((WaitState.Queued, 2, 3), (waiter.State, _supply.Imports, _supply.TakenBack));
    }

    [Fact]
    public void What_is_imported_serves_all_that_it_has_room_for_and_listeners_are_told()
    {
        _supply.CanImport = true;
        int told = 0;
        Waiter<uint>[] waiters = [Wait(), Wait(), Wait()];
        _room.Subscribe(() => told++);
        _supply.Forget();
        _supply.Import = _ => _supply.Imports == 1 ? new Segment<uint>(1_000, 2 * Size, SegmentKind.Span) : default;
        MakeRoom();
        Assert.Equal((0, 1), (_supply.Imports, told));
        MakeRoom(mayImport: true);
        Assert.Equal([WaitState.Granted, WaitState.Granted, WaitState.Queued], waiters.Select(static waiter => waiter.State));
        Assert.Equal([1_000u, 1_000u + Size], waiters.Take(2).Select(static waiter => waiter.Granted.Start).Order());
        Assert.Equal((2, 3), (_supply.Imports, told));          // for the third there was nothing; told of the span, and of the room
        Assert.Equal(12 * Size, _space.Map.TotalSize);
    }

    /// <summary>What comes back is enough: nobody is asked.</summary>
    [Fact]
    public void No_source_is_asked_for_a_head_that_what_was_lent_serves()
    {
        _supply.CanImport = true;
        Waiter<uint> waiter = Wait();
        _supply.Lent = () => Free(2);
        MakeRoom(mayImport: true);
        Assert.Equal((WaitState.Granted, 0, 1), (waiter.State, _supply.Imports, _supply.TakenBack));
        Assert.True(waiter.Task.IsCompletedSuccessfully);
    }

    [Fact]
    public void What_a_source_throws_is_the_heads_and_the_next_is_asked_for()
    {
        _supply.CanImport = true;
        Waiter<uint>[] waiters = [Wait(), Wait()];
        _supply.Import = _ => _supply.Imports > 1 ? new Segment<uint>(1_000, Size, SegmentKind.Span)
            : throw new TimeZoneNotFoundException();
        MakeRoom(mayImport: true);
        Assert.Equal([WaitState.Failed, WaitState.Granted], waiters.Select(static waiter => waiter.State));
        Assert.IsType<TimeZoneNotFoundException>(waiters[0].Task.Exception!.InnerException);
        Assert.Equal(2, _supply.Imports);
    }

    /// <summary>Somebody frees what is needed while the source is asked. If the source does not take its answer back, that is
    /// nobody's.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_import_that_is_not_needed_goes_back(bool throws)
    {
        _supply.CanImport = true;
        int told = 0;
        Waiter<uint> waiter = Wait();
        _supply.Import = request =>
        {
            _ = Free(7);
            return new Segment<uint>(1_000, Size, SegmentKind.Span);
        };
        _source.OnRelease = throws ? static (_, _) => throw new TimeZoneNotFoundException() : null;
        _room.Subscribe(() => told++);
        MakeRoom(mayImport: true);
        Assert.Equal((WaitState.Granted, _held[7], 1), (waiter.State, waiter.Granted.Start, _source.Releases));
        Assert.Equal((10 * Size, 1), (_space.Map.TotalSize, told));
        Assert.True(waiter.Task.IsCompletedSuccessfully);
    }

    /// <summary>The limit leaves no room for it by now. If it cannot go back, who waits learns of that.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_import_that_has_no_place_goes_back(bool throws)
    {
        Dispose();
        Make(new ArenaOptions<uint> { Limit = 10 * Size });
        _supply.CanImport = true;
        Waiter<uint> waiter = Wait();
        _supply.Import = static _ => new Segment<uint>(1_000, Size, SegmentKind.Span);
        _source.OnRelease = throws ? static (_, _) => throw new TimeZoneNotFoundException() : null;
        MakeRoom(mayImport: true);
        Assert.Equal((throws ? WaitState.Failed : WaitState.Queued, 1), (waiter.State, _source.Releases));
        Assert.Equal(throws, waiter.Task.IsFaulted);
        Assert.Equal(!throws, _room.IsQueued);
    }

    /// <summary>Whoever made the room has no part in what a source takes its time for; only who asks for himself waits for it.</summary>
    [Theory]
    [InlineData(true, false, false)]
    [InlineData(true, true, true)]
    [InlineData(false, false, true)]
    public async Task A_source_of_others_is_asked_on_another_thread(bool asksOthers, bool retries, bool isHere)
    {
        _supply.CanImport = true;
        Waiter<uint> waiter = Wait();
        _supply.AsksOthers = asksOthers;
        int asking = 0;
        _supply.Import = _ =>
        {
            asking = Environment.CurrentManagedThreadId;
            return new Segment<uint>(1_000, Size, SegmentKind.Span);
        };
        int here = Environment.CurrentManagedThreadId;
        if (retries)
        {
            _room.Retry();
        }
        else
        {
            MakeRoom(mayImport: true);
        }

        Assert.Equal(isHere, waiter.State == WaitState.Granted && here == asking);
        Assert.Equal(1_000u, await waiter.Task);
    }

    [Fact]
    public void In_an_arena_of_one_thread_there_is_no_other()
    {
        Dispose();
        Make(new ArenaOptions<uint> { SingleThreaded = true });
        _supply.CanImport = _supply.AsksOthers = true;
        Waiter<uint> waiter = Wait();
        _supply.Import = static _ => new Segment<uint>(1_000, Size, SegmentKind.Span);
        MakeRoom(mayImport: true);
        Assert.Equal((WaitState.Granted, 1), (waiter.State, _supply.Imports));
    }

    [Fact]
    public void A_listener_that_throws_is_told_to_who_made_the_room()
    {
        _room.Subscribe(static () => throw new TimeZoneNotFoundException());
        Assert.Throws<TimeZoneNotFoundException>(() => MakeRoom());
        Assert.Throws<TimeZoneNotFoundException>(_room.Retry);
    }

    private sealed class Supply : ISupply<uint>
    {
        public Func<bool> Lent { get; set; } = static () => false;

        public Func<Request<uint>, Segment<uint>> Import { get; set; } = static _ => default;

        public int TakenBack { get; private set; }

        public int Imports { get; private set; }

        public bool CanImport { get; set; }

        public bool AsksOthers { get; set; }

        public bool IsWatched => true;

        public void Forget() => (TakenBack, Imports) = (0, 0);

        public void Watch()
        {
        }

        public bool TryTakeBackLent(ref Conclusion end)
        {
            TakenBack++;
            return Lent();
        }

        Segment<uint> ISupply<uint>.Import(in Request<uint> request)
        {
            Imports++;
            return Import(request);
        }

        public string? WhyNever(in Request<uint> request) => null;

        public FitReport<uint> Explain(in Request<uint> request) => default;
    }
}
