using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Xunit;

namespace Vmem.Tests.Lifetimes;

/// <summary>Finalisers that use an arena which nobody else refers to any more: its tables are there as long as any of them may.</summary>
public class FinaliserTests
{
    private const int Arenas = 200;

    public static TheoryData<uint, bool> Kinds => new() { { 0, false }, { 8, false }, { 0, true }, { 8, true } };

    /// <summary>The order in which finalisers run varies with that in which objects were made: half of the owners are older than their
    /// arena's tables.</summary>
    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_finaliser_or_a_safe_handle_frees_in_an_arena_that_dies_with_it(uint cached, bool isSafeHandle)
    {
        var log = new Log();
        MakeAll(log, cached, isSafeHandle);
        for (int i = 0; i < 20 && log.Freed < 2 * Arenas; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal((2 * Arenas, null), (log.Freed, log.Thrown));
    }

    /// <summary>A finaliser that has itself called again frees once more, long after the arena's own end could have come.</summary>
    [Fact]
    public void A_finaliser_that_comes_again_finds_the_arena_as_it_was()
    {
        var log = new Log();
        MakeReturning(log);
        for (int i = 0; i < 40 && log.Freed < 5; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal((5, null), (log.Freed, log.Thrown));
    }

    [Fact]
    public void A_disposed_arena_refuses_what_a_finaliser_frees()
    {
        var log = new Log();
        MakeDisposed(log);
        for (int i = 0; i < 20 && log.Thrown is null; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.IsType<ObjectDisposedException>(log.Thrown);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MakeAll(Log log, uint cached, bool isSafeHandle)
    {
        for (int i = 0; i < Arenas; i++)
        {
            IOwner first = Make();
            Arena<uint> arena = new("dying", 0, 4_096, 1, new ArenaOptions<uint> { QuantumCacheMax = cached });
            IOwner last = Make();
            first.Own(arena);
            last.Own(arena);
        }

        IOwner Make() => isSafeHandle ? new HandleOwner(log) : new PlainOwner(log);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MakeReturning(Log log)
    {
        PlainOwner owner = new(log) { Returns = 4 };
        owner.Own(new Arena<uint>("dying", 0, 4_096, 1));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void MakeDisposed(Log log)
    {
        Arena<uint> arena = new("disposed", 0, 4_096, 1);
        new PlainOwner(log).Own(arena);
        arena.Dispose();
    }

    private interface IOwner
    {
        void Own(Arena<uint> arena);
    }

    private sealed class Log
    {
        private int _freed;

        public int Freed => Volatile.Read(ref _freed);

        public Exception? Thrown { get; private set; }

        /// <summary>No exception may leave a finaliser.</summary>
        public void Note(Exception? thrown)
        {
            Thrown ??= thrown;
            _ = Interlocked.Increment(ref _freed);
        }
    }

    private sealed class PlainOwner(Log log) : IOwner
    {
        private Arena<uint> _arena = null!;
        private uint _small;
        private uint _large;

        public int Returns { get; set; }

        ~PlainOwner()
        {
            log.Note(Record.Exception(() =>
            {
                _arena.Free(_small, 3);
                _arena.Free(_large, 100);
                _small = _arena.Allocate(3);
                _large = _arena.Allocate(100);
                _arena.Validate();
            }));
            if (Returns-- > 0)
            {
                GC.ReRegisterForFinalize(this);
            }
        }

        public void Own(Arena<uint> arena) => (_arena, _small, _large) = (arena, arena.Allocate(3), arena.Allocate(100));
    }

    private sealed class HandleOwner(Log log) : SafeHandle(0, ownsHandle: true), IOwner
    {
        private Arena<uint> _arena = null!;
        private uint _large;

        public override bool IsInvalid => false;

        public void Own(Arena<uint> arena)
        {
            (_arena, _large) = (arena, arena.Allocate(100));
            SetHandle((nint)arena.Allocate(3));
        }

        protected override bool ReleaseHandle()
        {
            log.Note(Record.Exception(() =>
            {
                _arena.Free((uint)handle, 3);
                _arena.Free(_large, 100);
            }));
            return true;
        }
    }
}
