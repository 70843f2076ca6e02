using System.Diagnostics.CodeAnalysis;
using Vmem.Checks;
using Vmem.Diagnostics;

namespace Vmem.Memory.Heap.Debugging;

/// <summary>A heap with debugging: a layer around a plain heap, through which every call goes.</summary>
/// <remarks>
/// <para>
/// <b>How calls come here.</b> The face of a heap with debugging tells its fast paths that it has no memory (no address is one of its
/// granules), and no thread has magazines. They then do what they do for every call they cannot serve, and call the layer below: this one.
/// A heap without debugging runs the code it would run if there were none of this.
/// </para>
/// <para>
/// <b>What is kept.</b> A <see cref="DebugBlock"/> for each live block and for those freed last, apart from the blocks. Each lies in a
/// longer block of the plain heap: see <see cref="PaddedBlocks"/>. A freed block goes through the <see cref="Quarantine"/>; it leaves only
/// if it is as it was when it entered.
/// </para>
/// <para>
/// <b>What fails, and what then.</b> A free that is wrong changes nothing. A free that is right never fails for the sake of another block:
/// if one in quarantine turns out to have been written, it stays there, in front, and the next allocation says so, before it does anything;
/// then that block is forgiven and leaves. So it is reported once, and nobody loses a block over it.
/// </para>
/// <para>
/// One lock for everything but stacks, which are captured before. The plain heap is called under it, and never calls back. Rejected: a lock
/// for each class, or tables by address in shards: a thread could then pass between the removal of a block from one table and its
/// arrival in another, and a double free by two threads at once would find no trace of the first.
/// </para>
/// </remarks>
internal sealed partial class HeapDebugger : IHeapLayer
{
    private readonly Gate _gate = new();
    private readonly PlainHeap _heap;
    private readonly HeapDebugging _debugging;        // without whom to tell
    private readonly HeapListeners _listeners;
    private readonly TimeProvider _time;
    private readonly AuditStacks? _stacks;
    private readonly PaddedBlocks _padded;
    private readonly Quarantine _quarantine;
    private readonly Dictionary<nuint, DebugBlock> _live = [];
    private HeapDamage? _unreported;                  // of the block in front of the quarantine
    private nuint _liveBytes;
    private nuint _livePadded;                        // of their padded blocks
    private long _largeBlocks;
    private long _allocations;
    private bool _ended;

    public HeapDebugger(PlainHeap heap, HeapDebugging debugging, TimeProvider time)
    {
        _heap = heap;
        _debugging = debugging with { Leaked = null, Damaged = null };
        _listeners = new HeapListeners(debugging);
        _time = time;
        _stacks = debugging.Owners ? new AuditStacks() : null;
        _padded = new PaddedBlocks(heap, _debugging);
        _quarantine = new Quarantine(debugging.Quarantine);
        DebuggedHeaps.Add(this);
    }

    /// <summary>A block with its surroundings filled; of one byte if none is asked for. 0 if there is no memory, even without the
    /// quarantine.</summary>
    /// <exception cref="InvariantViolationException">A freed block was written. Nothing was allocated.</exception>
    public nuint Take(nuint size, nuint alignment, bool clear, out bool isZero)
    {
        size = Math.Max(size, 1);
        AuditSite? site = Capture(AuditCall.Allocate);
        var block = new DebugBlock { Owner = site };
        using (_gate.EnterScope())
        {
            ThrowIfEnded();
            ThrowIfUnreported();
            Reserve();
            if (!_padded.TryPlace(block, size, alignment, out isZero))
            {
                if (_quarantine.Count == 0)
                {
                    return 0;
                }

                EmptyQuarantine();
                if (!_padded.TryPlace(block, size, alignment, out isZero))
                {
                    return 0;
                }
            }

            _padded.Initialize(block, ref isZero);
            _live.Add(block.Start, block);
            _liveBytes += size;
            _livePadded += block.PaddedSize;
            _allocations++;
            _largeBlocks += size > SizeClasses.Largest ? 1 : 0;
            return block.Start;
        }
    }

    /// <summary>Frees a block, of this size if one is given.</summary>
    /// <exception cref="InvalidFreeException">It is no live block, its size is another, or its red zones were written. Nothing was
    /// changed.</exception>
    public void Free(nuint address, nuint? size)
    {
        AuditSite? site = CaptureIfPossible(AuditCall.Free);
        using (_gate.EnterScope())
        {
            ThrowIfEnded();
            if (_live.TryGetValue(address, out DebugBlock? block))
            {
                if (size is { } given && IsWrong(block, given))
                {
                    throw WrongSize(block, given, site);
                }

                if (_padded.TryFindBroken(block, out nuint at))
                {
                    throw Corrupted(block, at, "free", site);
                }

                _ = _live.Remove(address);
                _liveBytes -= block.Size;
                _livePadded -= block.PaddedSize;
                _largeBlocks -= block.Size > SizeClasses.Largest ? 1 : 0;
                block.Freer = site;
                _padded.Clear(block);
                _quarantine.Enter(block);
                ShrinkQuarantine();
                return;
            }
        }

        throw WrongAddress(address, "free", site);
    }

    /// <summary>A sample's size may be given as of any block of its heap: at most what it has.</summary>
    private bool IsWrong(DebugBlock block, nuint size) =>
        _debugging.Sample == 0 ? Math.Max(size, 1) != block.Size : size > block.Size;

    /// <summary>How many bytes a live block was asked to have.</summary>
    public nuint SizeOf(nuint address) => Measure(address, forResize: false);

    /// <summary>A block moves whenever its size is to change, or even is not: so the use of an address that was kept is found.</summary>
    public bool TryResize(nuint block, nuint size, nuint alignment, out nuint old, out bool canStay)
    {
        old = Measure(block, forResize: true);
        return canStay = false;
    }

    /// <summary>Never: the old block's contents are to be seen in quarantine.</summary>
    public bool TryMove(nuint block, nuint moved, nuint size) => false;

    /// <summary>True if the address lies in a live block. Interior addresses: O(live blocks).</summary>
    public bool Owns(nuint address)
    {
        using (_gate.EnterScope())
        {
            return !_ended && _heap.Reserves(address) && (_live.ContainsKey(address) || FindHolder(address) is not null);
        }
    }

    /// <summary>Lets all freed blocks leave the quarantine, and gives the memory back.</summary>
    /// <exception cref="InvariantViolationException">One was written. Those before it have left, and so has it.</exception>
    public nuint Trim()
    {
        using (_gate.EnterScope())
        {
            ThrowIfEnded();
            EmptyQuarantine();
        }

        return _heap.Trim();
    }

    /// <param name="address">Where it starts.</param>
    /// <param name="forResize">Whether it must be whole, too.</param>
    private nuint Measure(nuint address, bool forResize)
    {
        using (_gate.EnterScope())
        {
            ThrowIfEnded();
            if (_live.TryGetValue(address, out DebugBlock? block))
            {
                return forResize && _padded.TryFindBroken(block, out nuint at)
                    ? throw Corrupted(block, at, "resize", Capture(AuditCall.Extend))
                    : block.Size;
            }
        }

        throw WrongAddress(address, forResize ? "resize" : "measure", Capture(AuditCall.Extend));
    }

    /// <summary>After a free, which does not fail for the sake of others: they leave with the next.</summary>
    private void ShrinkQuarantine()
    {
        try
        {
            _ = TryShrinkQuarantine(all: false);
        }
        catch (OutOfMemoryException)
        {
            // For the words about one that was written.
        }
    }

    private void EmptyQuarantine()
    {
        _ = TryShrinkQuarantine(all: true);
        ThrowIfUnreported();
    }

    /// <summary>Blocks leave until the quarantine has room, or is empty. Stops at one that was written, which is then
    /// <see cref="_unreported"/>.</summary>
    private bool TryShrinkQuarantine(bool all)
    {
        while (_unreported is null && (all || _quarantine.IsOverfull) && _quarantine.Count > 0)
        {
            if (!TryLetLeave())
            {
                return false;
            }
        }

        return _unreported is null;
    }

    /// <summary>The block in front of the quarantine leaves. False if there is none, or it was written.</summary>
    private bool TryLetLeave()
    {
        if (_unreported is not null || !_quarantine.TryPeek(out DebugBlock? block) ||
            TryFindWritten(block, out _unreported) || !_padded.TryRelease(block))
        {
            return false;
        }

        _quarantine.Leave();
        return true;
    }

    /// <summary>Whether the quarantine's front has been written; it leaves before that is reported.</summary>
    private void ThrowIfUnreported()
    {
        if (_unreported is not { } damage)
        {
            return;
        }

        _unreported = null;
        if (_quarantine.TryPeek(out DebugBlock? block) && _padded.TryRelease(block))
        {
            _quarantine.Leave();
        }

        throw new InvariantViolationException("freed memory is not written to", damage.Text);
    }

    /// <summary>Room in the tables for one block more, also for when it is freed: a free needs no memory.</summary>
    private void Reserve()
    {
        GrowthFault.ThrowIfDue();
        if (_live.Count == _live.Capacity)
        {
            _ = _live.EnsureCapacity(Math.Max(16, 2 * _live.Count));
        }

        _quarantine.Reserve(_live.Count + 1);
        _padded.Reserve();
    }

    private AuditSite? Capture(AuditCall call) => _stacks is null
        ? null
        : new AuditSite(call, _stacks.Capture(), Environment.CurrentManagedThreadId, Thread.CurrentThread.Name, _time.GetUtcNow());

    /// <summary>The same; null also if there is no memory for it.</summary>
    private AuditSite? CaptureIfPossible(AuditCall call)
    {
        try
        {
            return Capture(call);
        }
        catch (OutOfMemoryException)
        {
            return null;
        }
    }

    private DebugBlock? FindHolder(nuint address) => _live.Values.FirstOrDefault(block => block.Holds(address));

    private bool TryFindWritten(DebugBlock block, [NotNullWhen(true)] out HeapDamage? damage)
    {
        damage = _padded.TryFindWritten(block, out nuint at) ? Describe(block, at) : null;
        return damage is not null;
    }

    private void ThrowIfEnded() => ObjectDisposedException.ThrowIf(_ended, typeof(NativeHeap));
}
