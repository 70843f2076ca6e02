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
    // A slab is the shortest run of at most 4 granules at whose end no more than a sixteenth is lost. With four that is so for all classes
    // but one (29,696 bytes: 9.4 %); longer ones would keep more memory for the few blocks that a class may need.
    private const int MostGranules = 4;
    private const int LossDivisor = 16;

    /// <summary>What a depot may hold; beyond, blocks go back to their slabs. As much as is in flight between a producer and a consumer at
    /// a time, and little against what such a program uses: arbitrary.</summary>
    private const int DepotBytes = 512 * 1024;

    private readonly HeapSpace _space;
    private readonly BlockStates? _states;        // null: frees are not checked
    private readonly SlabRecords _records;
    private readonly SlabShare? _share;
    private readonly int _sizeClass;
    private readonly int _size;
    private readonly nuint _slabSize;
    private readonly int _capacity;
    private readonly int _slotShift;
    private readonly ulong _reciprocal;           // ⌈2^32 / size⌉: offset × it ÷ 2^32 is right for multiples of the size below 2^18
    private ArenaLock _lock;
    // what is under way when the heap ends must not reach the pages, which are the next heap's
    private bool _ended;
    private BlockDepot _depot;
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
        _size = SizeClasses.SizeOf(sizeClass);
        _slabSize = HeapSpace.Granule;
        while (_slabSize < MostGranules * HeapSpace.Granule && _slabSize % (nuint)_size > _slabSize / LossDivisor)
        {
            _slabSize += HeapSpace.Granule;
        }

        _capacity = (int)(_slabSize / (nuint)_size);
        _reciprocal = ((1ul << 32) + (ulong)_size - 1) / (ulong)_size;
        _depot = new BlockDepot(DepotBytes / _size);
    }

    public int SizeClass => _sizeClass;

    /// <summary>One thread more has a magazine of this class, if it is new.</summary>
    public void NoteThread(bool isNew) => _ = isNew ? Interlocked.Increment(ref _threads) : 0;

    /// <summary>True if the next batch will need pages, as of some moment.</summary>
    public bool IsEmpty => _first is null && _depot.Contents.IsEmpty;

    /// <summary>Takes blocks out; fewer than asked for, or none, if there is no memory.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Take(Span<nuint> blocks)
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        int taken = _depot.Take(blocks);
        int cached = taken;
        while (taken < blocks.Length)
        {
            Slab* slab = _first;
            if (slab is null && (taken > 0 || _ended || (slab = FreshSlab()) is null))
            {
                break;                        // a fresh slab may fail: what is taken must not be lost by that
            }

            Invariant.Assert(slab->Free > 0 && _space.SlabAt(slab->Start) == slab, "a listed slab has pages, and blocks to give");
            taken += Slab.Take(slab, _size, blocks[taken..]);
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
        nuint wrong = EmptyDepot(Count().InDepot);     // what others put there meanwhile is not waited for
        using ArenaLock.Scope held = _lock.EnterScope();
        _depot.Shrink();
        return wrong;
    }

    /// <summary>Ends an interval: what nobody needed in the one before goes back.</summary>
    /// <returns>As <see cref="Give"/>.</returns>
    public nuint Tick()
    {
        int surplus;
        using (_lock.EnterScope())
        {
            surplus = _depot.Tick();
        }

        return EmptyDepot(surplus);
    }

    public (long Slabs, nuint Bytes, long BlocksOut, int InDepot) Count()
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        return (_slabs, (nuint)_slabs * _slabSize, _blocksOut, _depot.Contents.Length);
    }

    /// <summary>Whoever comes later gets nothing, and what he brings is ignored.</summary>
    public void Dispose()
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        _ended = true;
        _first = _newest = null;
        _depot.Dispose();
    }

    /// <summary>Where the block starts that would hold an address; 0 if there is no slab of the class.</summary>
    public nuint StartOf(nuint address)
    {
        using ArenaLock.Scope held = _lock.EnterScope();
        Slab* slab = _ended ? null : _space.SlabAt(address);
        if (slab is null || slab->SizeClass != _sizeClass)
        {
            return 0;
        }

        nuint index = (address - slab->Start) / (nuint)_size;
        return index < (nuint)slab->Capacity ? slab->Start + (index * (nuint)_size) : 0;
    }

    /// <summary>The position of a block in its slab; false for an address inside one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryIndex(Slab* slab, nuint block, out int index)
    {
        ulong offset = block - slab->Start;
        index = (int)((offset * _reciprocal) >> 32);
        return (ulong)index * (ulong)_size == offset && index < slab->Capacity;
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
