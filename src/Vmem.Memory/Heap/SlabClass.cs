using System.Runtime.CompilerServices;
using Vmem.Checks;
using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

/// <summary>The depot and the slabs of one class: where magazines are filled from, and emptied to.</summary>
/// <remarks>
/// Blocks come and go by the batch, so that the lock is taken once in some tens of operations at least. A batch comes from the depot, then
/// from the slab that got a block back last; a slab that is whole again goes back to the heap's pages, where it serves every class.
/// <para>
/// The depot is there for what goes from thread to thread. While a single thread has a magazine of the class there is nobody whom it could
/// spare a way to the slabs, and blocks that lie in it would keep slabs from getting whole.
/// </para>
/// <para>
/// The loops over a batch are optimised when they are first compiled. Magazines are so good at keeping calls from here that a program can
/// free a million blocks before the runtime finds these methods hot: that took twice the time (docs/performance.md, A4).
/// </para>
/// </remarks>
internal sealed unsafe partial class SlabClass : IDisposable
{
    /// <summary>What a depot may hold; beyond, blocks go back to their slabs. As much as is in flight between a producer and a consumer at
    /// a time, and little against what such a program uses: arbitrary.</summary>
    private const int DepotBytes = 512 * 1024;

    private readonly HeapSpace _space;
    private readonly BlockStates? _states;        // null: frees are not checked
    private readonly SlabRecords _records;
    private readonly SlabShare? _share;
    private readonly int _sizeClass;
    private readonly SlabGeometry _geometry;
    private readonly int _slotShift;
    private ArenaLock _lock;
    // what is under way when the heap ends must not reach the pages, which are the next heap's
    private bool _ended;
    private BlockDepot _depot;
    private BatchExchange? _exchange;             // in front of the depot; null while one thread alone has a magazine
    private Slab* _first;                         // with free blocks
    private Slab* _newest;                        // of all slabs
    private long _slabs;
    private long _blocksOut;                      // of their slabs: in the depot, in magazines, or with users
    private int _threads;                         // have had magazines of it
    private Slab* _spare;                         // records without a slab

    public SlabClass(HeapSpace space, BlockStates? states, SlabRecords records, int sizeClass, SlabShare? share = null)
    {
        _share = share;
        _states = states;
        _slotShift = SizeClasses.SlotShiftOf(sizeClass);
        _records = records;
        _space = space;
        _sizeClass = sizeClass;
        _geometry = new SlabGeometry(sizeClass);
        _depot = new BlockDepot(DepotBytes / _geometry.Size);
    }

    public int SizeClass => _sizeClass;

    private int BlockSize => _geometry.Size;

    private nuint SlabSize => _geometry.Bytes;

    /// <summary>One thread more has a magazine of this class, if it is new. Throws <see cref="OutOfMemoryException"/>.</summary>
    public void NoteThread(bool isNew)
    {
        if (isNew && Interlocked.Increment(ref _threads) == 2)
        {
            var exchange = new BatchExchange(SizeClasses.Rounds(_sizeClass), BlockSize);
            using ArenaLock.Scope held = _lock.EnterScope();
            Volatile.Write(ref _exchange, _ended ? null : exchange);
        }
    }

    /// <summary>True if the next batch will need pages, as of some moment.</summary>
    public bool IsEmpty => _first is null && _depot.Contents.IsEmpty && _exchange is null or { Count: 0 };

    /// <summary>Takes blocks out.</summary>
    /// <param name="room">For a whole batch.</param>
    /// <param name="wanted">How many are taken, but for a batch that another thread has just given.</param>
    /// <returns>How many they are: fewer than wanted, or none, if there is no memory.</returns>
    public int Take(Span<nuint> room, int wanted) =>
        Volatile.Read(ref _exchange) is { } exchange && exchange.TryTake(room) ? exchange.Length : Take(room[..wanted]);

    /// <summary>Takes blocks from the depot and the slabs.</summary>
    /// <remarks>So few as a thread's first batch has, or its first one after a trim, start on another line of the bytes of live blocks,
    /// while the slab has one that is untouched. A thread that uses one block again and again writes to that line alone then: two on one
    /// line took twice as long for each pair.</remarks>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Take(Span<nuint> blocks)
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        int taken = _depot.Take(blocks);
        int cached = taken;
        bool apart = _states is not null && _threads > 1 && blocks.Length == HeapMagazine.LeastBatch;
        while (taken < blocks.Length)
        {
            Slab* slab = _first;
            if (slab is null && (taken > 0 || _ended || (slab = FreshSlab()) is null))
            {
                break;                        // a fresh slab may fail: what is taken must not be lost by that
            }

            Invariant.Assert(slab->Free > 0 && _space.SlabAt(slab->Start, _sizeClass) == slab, "a listed slab has pages, and blocks to give");
            taken += Slab.Take(slab, _geometry, blocks[taken..], apart);
            if (slab->Free == 0)
            {
                Unlink(slab);
            }
        }

        _blocksOut += taken - cached;
        Invariant.Assert(_blocksOut >= _depot.Contents.Length, "what is in the depot is out of its slab");
        return taken;
    }

    /// <summary>Takes blocks back.</summary>
    /// <returns>An address that is none of the blocks out, one that was freed wrongly before; else 0. All others have been taken
    /// back.</returns>
    public nuint Give(ReadOnlySpan<nuint> blocks)
    {
        if (Volatile.Read(ref _exchange) is { } exchange && exchange.TryPut(blocks))
        {
            return 0;
        }

        using ArenaLock.Scope held = _lock.EnterScope();
        return _ended || (_threads > 1 && _depot.TryPut(blocks)) ? 0 : GiveToSlabs(blocks);
    }

    /// <summary>Takes blocks back, into the slabs and not the depot.</summary>
    /// <returns>As <see cref="Give"/>.</returns>
    public nuint GiveBack(ReadOnlySpan<nuint> blocks)
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        return _ended ? 0 : GiveToSlabs(blocks);
    }

    /// <summary>Gives all that is kept in reserve back to the heap's pages.</summary>
    /// <returns>As <see cref="Give"/>.</returns>
    public nuint Trim()
    {
        nuint wrong = EmptyExchange(staleOnly: false);
        // What others put there meanwhile is not waited for.
        wrong = EmptyDepot(Count().InDepot) is var found and not 0 ? found : wrong;
        using ArenaLock.Scope held = _lock.EnterScope();
        _depot.Shrink();
        return wrong;
    }

    /// <summary>Ends an interval: what nobody needed in the one before goes back.</summary>
    /// <returns>As <see cref="Give"/>.</returns>
    public nuint Tick()
    {
        nuint wrong = EmptyExchange(staleOnly: true);
        int surplus;
        using (_lock.EnterScope())
        {
            _exchange?.EndInterval();
            surplus = _depot.Tick();
        }

        return EmptyDepot(surplus) is var found and not 0 ? found : wrong;
    }

    public (long Slabs, nuint Bytes, long BlocksOut, int InDepot) Count()
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        return (_slabs, (nuint)_slabs * SlabSize, _blocksOut, _depot.Contents.Length + (_exchange?.Count ?? 0));
    }

    /// <summary>Gives all slabs back to the heap's pages, whatever is out of them, and is as new. Nobody else is in a call.</summary>
    public void Reset()
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        while (_newest is not null)
        {
            _newest->Free = _newest->Capacity;
            GiveUp(_newest);
        }

        Invariant.Assert(_slabs == 0, "no slab is left");
        _first = null;
        _lookedTo = 0;
        _blocksOut = 0;
        _threads = 0;
        _exchange = null;
        _depot.Dispose();
    }

    /// <summary>Whoever comes later gets nothing, and what he brings is ignored.</summary>
    public void Dispose()
    {
        BatchExchange? exchange;
        using (_lock.EnterScope())
        {
            _ended = true;
            _first = _newest = null;
            exchange = _exchange;
            _exchange = null;
            _depot.Dispose();
        }

        exchange?.Close();                        // who is at a place is waited for: not under the lock
    }

    /// <summary>Where the block starts that would hold an address; 0 if there is no slab of the class.</summary>
    public nuint StartOf(nuint address)
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        Slab* slab = _ended ? null : _space.SlabAt(address, _sizeClass);
        if (slab is null)
        {
            return 0;
        }

        nuint index = (address - slab->Start) / (nuint)BlockSize;
        return index < (nuint)slab->Capacity ? slab->Start + (index * (nuint)BlockSize) : 0;
    }

    /// <summary>The batches in front of the depot go to their slabs.</summary>
    private nuint EmptyExchange(bool staleOnly)
    {
        nuint wrong = 0;
        Span<nuint> batch = stackalloc nuint[SizeClasses.MostRounds];
        for (int left = BatchExchange.MostPlaces; left > 0 && _exchange is { } exchange && exchange.TryTake(batch, staleOnly); left--)
        {
            wrong = GiveBack(batch[..exchange.Length]) is var found and not 0 ? found : wrong;
        }

        return wrong;
    }

    /// <summary>So many blocks go from the depot to their slabs, by the batch: others get their turn in between.</summary>
    private nuint EmptyDepot(int count)
    {
        nuint wrong = 0;
        Span<nuint> batch = stackalloc nuint[SizeClasses.MostRounds];
        for (int taken = 1; count > 0 && taken > 0; count -= taken)
        {
            using ArenaLock.Scope held = _lock.EnterScope();
            taken = _depot.Take(batch[..Math.Min(batch.Length, count)]);
            wrong = GiveToSlabs(batch[..taken]) is var found and not 0 ? found : wrong;
        }

        return wrong;
    }
}
