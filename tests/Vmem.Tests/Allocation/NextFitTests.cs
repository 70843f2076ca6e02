using System.Numerics;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Allocation;

/// <summary>Between two allocations of the same ID by next fit every other ID that is free is handed out, whatever else happens.</summary>
public class NextFitTests
{
    private static readonly ArenaOptions<uint> s_next = new() { Policy = FitPolicy.NextFit };

    [Fact]
    public void The_position_is_in_a_snapshot()
    {
        using Arena<uint> arena = new("ids", 0, 1_000, 1, s_next);
        uint[] ids = new uint[100];
        Assert.Equal(100, arena.TryAllocateMany(1, ids));
        arena.Free(5, 1);
        ArenaSnapshot<uint> snapshot = arena.Snapshot();
        Assert.Equal((100u, (uint?)null), (snapshot.Rotor, snapshot.RotorLead));
        using Arena<uint> restored = Arena<uint>.Restore(snapshot);
        using Arena<uint> read = Arena<uint>.Restore(ArenaSnapshot<uint>.FromJson(snapshot.ToJson()));
        Assert.Equal((100u, 100u), (restored.Allocate(1), read.Allocate(1)));
    }

    [Fact]
    public void A_snapshot_without_a_position_begins_at_the_bottom()
    {
        const string Old = """{"vmemSnapshot":1,"type":"UInt32","name":"ids","quantum":"1","policy":"NextFit","spans":[{"start":"0","size":"10","imported":false,"allocated":[["1","1"]]}]}""";
        using Arena<uint> arena = Arena<uint>.Restore(ArenaSnapshot<uint>.FromJson(Old));
        Assert.Equal((0u, 2u), (arena.Allocate(1), arena.Allocate(1)));
    }

    [Theory]
    [InlineData("\"rotor\":\"12\"")]
    [InlineData("\"rotor\":\"16\",\"rotorLead\":\"8\"")]
    [InlineData("\"rotor\":16")]
    public void A_position_between_quanta_is_a_format_error(string position)
    {
        string json = $$"""{"vmemSnapshot":1,"type":"UInt32","name":"ids","quantum":"16","policy":"NextFit",{{position}},"spans":[]}""";
        Assert.Throws<FormatException>(() => Arena<uint>.Restore(ArenaSnapshot<uint>.FromJson(json)));
    }

    [Fact]
    public void A_claim_of_a_given_place_does_not_move_it()
    {
        using Arena<uint> arena = new("ids", 0, 100, 1, s_next);
        Assert.Equal(0u, arena.Allocate(1));
        Assert.Equal(50u, arena.AllocateConstrained(1, new() { Min = 50, Max = 51 }));
        Assert.Equal(60u, arena.AllocateConstrained(8, new() { Min = 60, Max = 68 }));
        Assert.Equal(99u, arena.AllocateConstrained(1, new() { Min = 99 }));
        Assert.Equal((1u, 2u), (arena.Allocate(1), arena.Allocate(2)));
    }

    [Fact]
    public void What_passes_over_free_ids_does_not_move_it()
    {
        using Arena<uint> arena = new("ids", 0, 100, 1, s_next);
        Assert.Equal(0u, arena.Allocate(1));
        Assert.Equal(64u, arena.AllocateConstrained(1, new() { Align = 64, Min = 1 }));
        arena.Free(64, 1);
        Assert.Equal(65u, arena.Allocate(4));     // what else passes over something goes on behind it
        Assert.Equal(70u, arena.AllocateConstrained(1, new() { Min = 70, Max = 80 }));
        Assert.Equal(71u, arena.AllocateConstrained(1, new() { Min = 70, Max = 80 }));
        Assert.Equal((1u, 2u), (arena.Allocate(1), arena.Allocate(1)));
        Assert.Equal(72u, arena.Allocate(2));
    }

    /// <summary>A free hands its range to the request that waits, without a search: that is an allocation by next fit all the
    /// same.</summary>
    [Fact]
    public async Task A_range_that_is_handed_over_to_a_waiter_counts()
    {
        using Arena<uint> arena = new("ids", 0, 10, 1, s_next);
        uint[] ids = new uint[10];
        Assert.Equal(10, arena.TryAllocateMany(1, ids));
        ValueTask<uint> waiter = arena.AllocateAsync(1, TestContext.Current.CancellationToken);
        arena.Free(7, 1);
        Assert.Equal(7u, await waiter);
        arena.Free(8, 1);
        arena.Free(7, 1);
        Assert.Equal((8u, 7u), (arena.Allocate(1), arena.Allocate(1)));
    }

    [Fact]
    public void Bytes_are_handed_out_in_turn() => HandedOutInTurn<byte>(240);

    [Fact]
    [Trait("Once", "Release")]
    public void Long_integers_are_handed_out_in_turn() => HandedOutInTurn<ulong>(96);

    [Fact]
    [Trait("Once", "Release")]
    public void IPv6_addresses_are_handed_out_in_turn() => HandedOutInTurn<UInt128>(64);

    private static void HandedOutInTurn<T>(int ids)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        for (ulong seed = 0; seed < 40; seed++)
        {
            using Turns<T> turns = new(seed, ids);
            for (int step = 0; step < 1_500; step++)
            {
                turns.Step();
            }

            turns.Check();
        }
    }

    /// <summary>IDs at the very top of the type, in two spans, and for each when it became free, and which have been handed out since each
    /// was.</summary>
    private sealed class Turns<T> : IDisposable
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        private readonly SeededRandom _random;
        private readonly int _ids;
        private readonly T _base;
        private readonly ArenaOptions<T> _options;
        private readonly Dictionary<int, int> _live = [];                  // by first ID: the length
        private readonly long[] _freeSince;                               // when each ID was last freed; long.MaxValue: it is not free
        private readonly long[] _handedOut;                               // when each was last handed out by next fit
        private Arena<T> _arena;
        private long _now;
        private long _turns;

        public Turns(ulong seed, int ids)
        {
            _random = new SeededRandom(seed);
            _ids = ids;
            _base = T.MaxValue - T.CreateChecked(ids - 1);
            _options = new ArenaOptions<T> { Policy = FitPolicy.NextFit, SingleThreaded = seed % 2 == 0, Audit = seed % 7 == 3 };
            _arena = new Arena<T>("turns", T.One, _options);
            _arena.AddSpan(_base, T.CreateChecked(ids / 2));
            _arena.AddSpan(_base + T.CreateChecked(ids / 2), T.CreateChecked(ids / 2));
            _freeSince = new long[ids];
            _handedOut = new long[ids];
        }

        public void Dispose() => _arena.Dispose();

        public void Check()
        {
            Assert.True(_turns > 50, $"Only {_turns} IDs came a second time.");
            _arena.Validate();
        }

        public void Step()
        {
            _now++;
            switch (_random.Below(16))
            {
                case < 5 when _arena.TryAllocate(T.One, out T next):
                    NoteNext(next);
                    break;
                case 5:
                    Other(_random.Below(2) == 0, Size());
                    break;
                case 6:
                    Constrained();
                    break;
                case 7:
                    Extend();
                    break;
                case 8 when _random.Below(4) == 0:
                    Restore();
                    break;
                case 9:
                    Waited();
                    break;
                case > 9 when _live.Count > 0:
                    Free(_live.Keys.ElementAt(_random.Below(_live.Count)));
                    break;
            }
        }

        private int Size() => 1 + _random.Below(4);

        /// <summary>No ID may have been free ever since this one was handed out.</summary>
        private void NoteNext(T start)
        {
            int id = Local(start);
            if (_handedOut[id] != 0)
            {
                _turns++;
                int left = Array.FindIndex(_freeSince, since => since < _handedOut[id]);
                Assert.True(left < 0, $"{id} comes again, and {left} has been free since before it came first.");
            }

            _handedOut[id] = _now;
            Take(start, 1);
        }

        private void Take(T start, int size)
        {
            _live.Add(Local(start), size);
            Array.Fill(_freeSince, long.MaxValue, Local(start), size);
        }

        private void Other(bool isNext, int size)
        {
            FitPolicy policy = isNext && size > 1 ? FitPolicy.NextFit : (FitPolicy)(new[] { 0, 1, 3, 4 }[_random.Below(4)]);
            if (_arena.TryAllocate(T.CreateChecked(size), policy, out T start))
            {
                Take(start, size);
            }
        }

        private void Constrained()
        {
            int size = Size();
            int min = _random.Below(_ids - size);
            int room = _random.Below(2) == 0 ? size : Math.Min(_ids - min, size + _random.Below(20));
            RangeConstraints<T> window = new() { Min = _base + T.CreateChecked(min), Max = _base + T.CreateChecked(min + room) };
            RangeConstraints<T> aligned = new() { Align = T.CreateChecked(1 << _random.Below(4)) };
            bool isAligned = _random.Below(3) == 0 && aligned.Align > T.One;
            if (_arena.TryAllocateConstrained(T.CreateChecked(size), isAligned ? aligned : window, FitPolicy.NextFit, out T start))
            {
                Take(start, size);
            }
        }

        private void Extend()
        {
            if (_live.Count == 0)
            {
                return;
            }

            (int id, int size) = _live.ElementAt(_random.Below(_live.Count));
            int wanted = Size();
            if (_arena.TryExtend(Address(id), T.CreateChecked(size), T.CreateChecked(wanted)))
            {
                _live[id] = wanted;
                Array.Fill(_freeSince, long.MaxValue, id, wanted);
                Array.Fill(_freeSince, _now, id + wanted, Math.Max(size - wanted, 0));
            }
        }

        private void Restore()
        {
            ArenaSnapshot<T> snapshot = _arena.Snapshot();
            snapshot = _random.Below(2) == 0 ? snapshot : ArenaSnapshot<T>.FromJson(snapshot.ToJson());
            Arena<T> restored = Arena<T>.Restore(snapshot, _options);
            _arena.Dispose();
            _arena = restored;
        }

        /// <summary>A request that waits for an ID, where there is none.</summary>
        private void Waited()
        {
            if (_options.SingleThreaded || _live.Values.Sum() < _ids)
            {
                return;
            }

            Task<T> waiter = _arena.AllocateAsync(T.One, TestContext.Current.CancellationToken).AsTask();
            Assert.False(waiter.IsCompleted);
            Free(_live.Keys.ElementAt(_random.Below(_live.Count)));
            Assert.True(waiter.IsCompletedSuccessfully);
            NoteNext(waiter.Result);
        }

        private void Free(int id)
        {
            _ = _live.Remove(id, out int size);
            Array.Fill(_freeSince, _now, id, size);
            if (!TryFree(id, size))
            {
                _arena.FreeConstrained(Address(id), T.CreateChecked(size));
            }
        }

        /// <summary>An audit wants a range freed by the call that goes with the one that allocated it.</summary>
        private bool TryFree(int id, int size)
        {
            try
            {
                _arena.Free(Address(id), T.CreateChecked(size));
                return true;
            }
            catch (InvalidFreeException)
            {
                return false;
            }
        }

        private T Address(int id) => _base + T.CreateChecked(id);

        private int Local(T address) => int.CreateChecked(address - _base);
    }
}
