using CsCheck;
using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Concurrency;

/// <summary>What calls that run side by side leave behind, some order of the same calls leaves behind, too. A failure names a seed for the
/// parameter <c>seed</c>.</summary>
public class LinearizabilityTests
{
    private const int Samples = 100;
    private const uint Units = 16;
    private const uint Piece = 2;

    /// <summary>To the address: under first fit these follow from the order.</summary>
    [Fact]
    public void Calls_of_an_arena_have_an_order() => Gen.Const(() => new PlainCalls()).SampleParallel(
        Gen.UInt[1, 4].Operation<PlainCalls>((calls, size) => calls.Take(size)),
        Gen.UInt[0, (Units / Piece) - 1].Operation<PlainCalls>((calls, piece) => calls.Give(piece * Piece)),
        equal: static (parallel, ordered) => parallel.Outcome() == ordered.Outcome(),
        iter: Samples);

    /// <summary>Where a cached range lies depends on the thread. How many there are, and whether there is one, does not.</summary>
    [Fact]
    public void Calls_of_a_cached_arena_have_an_order() => Gen.Const(() => new CachedCalls()).SampleParallel(
        Gen.Const(0).Operation<CachedCalls>(static (calls, _) => calls.Take()),
        Gen.Const(0).Operation<CachedCalls>(static (calls, _) => calls.Give()),
        equal: static (parallel, ordered) => parallel.Outcome() == ordered.Outcome(),
        iter: Samples);

    /// <summary>The lowest block of an order is taken, so these follow from the order, too.</summary>
    [Fact]
    public void Calls_of_a_buddy_allocator_have_an_order() => Gen.Const(() => new BuddyCalls()).SampleParallel(
        Gen.UInt[1, 4].Operation<BuddyCalls>((calls, size) => calls.Take(size)),
        Gen.UInt[0, Units - 1].Operation<BuddyCalls>((calls, start) => calls.Give(start)),
        equal: static (parallel, ordered) => parallel.Outcome() == ordered.Outcome(),
        iter: Samples);

#pragma warning disable CA1001 // CsCheck makes them and disposes of none
    private abstract class Calls
    {
        private int _failures;
        private int _wrong;

        public string Outcome() => $"{_failures} failed, {_wrong} were wrong; {Picture()}";

        protected abstract string Picture();

        protected void NoteTaken(bool taken) => Interlocked.Add(ref _failures, taken ? 0 : 1);

        /// <summary>Frees what may be free already: then the call says so and does nothing.</summary>
        protected void Free(Action free)
        {
            try
            {
                free();
            }
            catch (InvalidFreeException)
            {
                Interlocked.Increment(ref _wrong);
            }
        }
    }

    private sealed class PlainCalls : Calls
    {
        private readonly Arena<uint> _arena = new("linear", 0, Units, 1, new ArenaOptions<uint> { Policy = FitPolicy.FirstFit });

        public PlainCalls()
        {
            for (uint piece = 0; piece < Units / Piece; piece++)
            {
                NoteTaken(_arena.TryAllocate(Piece, out _));
            }
        }

        public void Take(uint size) => NoteTaken(_arena.TryAllocate(size, out _));

        public void Give(uint start) => Free(() => _arena.Free(start, Piece));

        protected override string Picture()
        {
            _arena.Validate();
            return ArenaPicture.Segments(_arena);
        }
    }

    private sealed class CachedCalls : Calls
    {
        private readonly Arena<uint> _arena = new("linear", 0, Units, 1, new ArenaOptions<uint> { QuantumCacheMax = 4 });
        private readonly System.Collections.Concurrent.ConcurrentQueue<uint> _held = new();

        public CachedCalls()
        {
            while (_arena.TryAllocate(Piece, out uint start))
            {
                _held.Enqueue(start);
            }
        }

        public void Take()
        {
            bool taken = _arena.TryAllocate(Piece, out uint start);
            NoteTaken(taken);
            if (taken)
            {
                _held.Enqueue(start);
            }
        }

        public void Give()
        {
            if (_held.TryDequeue(out uint start))
            {
                _arena.Free(start, Piece);
            }
        }

        protected override string Picture()
        {
            _arena.Validate();
            Assert.Equal(_held.Count, _held.Distinct().Count());
            ArenaStatistics<uint> statistics = _arena.GetStatistics();
            return $"{_held.Count} held, {statistics.InUse} units";
        }
    }

    private sealed class BuddyCalls : Calls
    {
        private readonly BuddyAllocator<uint> _buddies = new(0, Units, 1, Units);

        public void Take(uint size) => NoteTaken(_buddies.TryAllocate(size, out _));

        public void Give(uint start) => Free(() => _buddies.Free(start));

        protected override string Picture()
        {
            _buddies.Validate();
            return string.Join(' ', Enumerable.Range(0, (int)Units).Select(start => BlockAt((uint)start)));
        }

        private string BlockAt(uint start)
        {
            try
            {
                return $"{_buddies.GetBlockSize(start)}";
            }
            catch (InvalidFreeException)
            {
                return "-";
            }
        }
    }
}
