using System.Diagnostics.CodeAnalysis;
using Vmem.Checks;
using Vmem.Diagnostics;

namespace Vmem.Memory.Heap.Debugging;

/// <summary>The strategy of a heap with debugging: between its public face and the plain heap below, for every call.</summary>
/// <remarks>
/// <para>
/// <b>How calls come here.</b> A heap with debugging tells its fast paths that it has no memory (no address is one of its granules) and that
/// no thread has magazines. They then do what they do for every call they cannot serve, and take the slow way; there a field says whether there is
/// a debugger. A heap without one runs the code it would run if there were none of this.
/// </para>
/// <para>
/// <b>What is kept.</b> A <see cref="DebugBlock"/> for each live block and for those freed last, apart from the blocks. Below, a block is
/// its <em>housing</em>: see <see cref="Housings"/>. A freed block goes through the <see cref="Quarantine"/>; it leaves only if it is as it was
/// when it entered.
/// </para>
/// <para>
/// <b>What fails, and what then.</b> A free that is wrong changes nothing. A free that is right never fails for the sake of another block: if one in
/// quarantine turns out to have been written, it stays there, in front, and the next allocation says so, before it does anything;
/// then that block is forgiven and leaves. So it is reported once, and nobody loses a block over it.
/// </para>
/// <para>
/// One lock for everything but stacks, which are captured before. The plain heap is called under it, and never calls back. Rejected: a lock for each
/// class, or tables by address in shards: a thread could then pass between the removal of a block from one table and its
/// arrival in another, and a double free by two threads at once would find no trace of the first.
/// </para>
/// </remarks>
internal sealed partial class HeapDebugger
{
    private readonly Lock _gate = new();
    private readonly NativeHeap _heap;
    private readonly HeapDebugging _debugging;
    private readonly TimeProvider _time;
    private readonly AuditStacks? _stacks;
    private readonly Housings _housings;
    private readonly Quarantine _quarantine;
    private readonly Dictionary<nuint, DebugBlock> _live = [];
    private HeapDamage? _untold;                  // of the block in front of the quarantine
    private nuint _liveBytes;
    private long _largeBlocks;
    private bool _ended;

    public HeapDebugger(NativeHeap heap, HeapDebugging debugging, TimeProvider time)
    {
        _heap = heap;
        _debugging = debugging;
        _time = time;
        _stacks = debugging.Owners ? new AuditStacks() : null;
        _housings = new Housings(heap, debugging);
        _quarantine = new Quarantine(debugging.Quarantine);
        DebuggedHeaps.Add(this);
    }

    public HeapDebugging Debugging => _debugging;

    /// <summary>A block, furnished; of one byte if none is asked for. 0 if there is no memory, even without the quarantine.</summary>
    /// <exception cref="InvariantViolationException">A freed block was written. Nothing was allocated.</exception>
    public nuint Allocate(nuint size, nuint alignment, out bool isZero)
    {
        size = Math.Max(size, 1);
        AuditSite? site = Capture(AuditCall.Allocate);
        var block = new DebugBlock { Owner = site };
        lock (_gate)
        {
            ThrowIfEnded();
            ThrowIfUntold();
            Reserve();
            if (!_housings.TryPlace(block, size, alignment, out isZero))
            {
                if (_quarantine.Count == 0)
                {
                    return 0;
                }

                EmptyQuarantine();
                if (!_housings.TryPlace(block, size, alignment, out isZero))
                {
                    return 0;
                }
            }

            _housings.Furnish(block, ref isZero);
            _live.Add(block.Start, block);
            _liveBytes += size;
            _largeBlocks += size > SizeClasses.Largest ? 1 : 0;
            return block.Start;
        }
    }

    /// <summary>Frees a block, of this size if one is given.</summary>
    /// <exception cref="InvalidFreeException">It is no live block, its size is another, or its red zones were written. Nothing was
    /// changed.</exception>
    public void Free(nuint address, nuint? size)
    {
        AuditSite? site = Capture(AuditCall.Free);
        lock (_gate)
        {
            ThrowIfEnded();
            if (_live.TryGetValue(address, out DebugBlock? block))
            {
                if (size is { } given && Math.Max(given, 1) != block.Size)
                {
                    throw WrongSize(block, given, site);
                }

                if (_housings.TryFindBroken(block, out nuint at))
                {
                    throw Corrupted(block, at, "free", site);
                }

                _quarantine.Reserve();
                _ = _live.Remove(address);
                _liveBytes -= block.Size;
                _largeBlocks -= block.Size > SizeClasses.Largest ? 1 : 0;
                block.Freer = site;
                _housings.Close(block);
                _quarantine.Enter(block);
                _ = TryShrinkQuarantine(all: false);
                return;
            }
        }

        throw WrongAddress(address, "free", site);
    }

    /// <summary>How many bytes a live block was asked to have.</summary>
    /// <param name="address">Where it starts.</param>
    /// <param name="forResize">Whether it must be whole, too.</param>
    public nuint Measure(nuint address, bool forResize)
    {
        lock (_gate)
        {
            ThrowIfEnded();
            if (_live.TryGetValue(address, out DebugBlock? block))
            {
                return forResize && _housings.TryFindBroken(block, out nuint at)
                    ? throw Corrupted(block, at, "resize", Capture(AuditCall.Extend))
                    : block.Size;
            }
        }

        throw WrongAddress(address, forResize ? "resize" : "measure", Capture(AuditCall.Extend));
    }

    /// <summary>Does the address lie in a live block? Interior addresses: O(live blocks).</summary>
    public bool Owns(nuint address)
    {
        lock (_gate)
        {
            return !_ended && _heap.Reserves(address) && (_live.ContainsKey(address) || FindHolder(address) is not null);
        }
    }

    /// <summary>Lets all freed blocks leave the quarantine.</summary>
    /// <exception cref="InvariantViolationException">One was written. Those before it have left, and so has it.</exception>
    public void ReleaseQuarantine()
    {
        lock (_gate)
        {
            ThrowIfEnded();
            EmptyQuarantine();
        }
    }

    private void EmptyQuarantine()
    {
        _ = TryShrinkQuarantine(all: true);
        ThrowIfUntold();
    }

    /// <summary>Blocks leave until the quarantine has room, or is empty. Stops at one that was written, which is then
    /// <see cref="_untold"/>.</summary>
    private bool TryShrinkQuarantine(bool all)
    {
        while (_untold is null && (all || _quarantine.IsOverfull) && _quarantine.TryPeek(out DebugBlock? block))
        {
            if (TryFindWritten(block, out _untold) || !_housings.TryVacate(block))
            {
                return false;
            }

            _quarantine.Leave();
        }

        return _untold is null;
    }

    /// <summary>Whether the quarantine's front has been written; it leaves before that is told.</summary>
    private void ThrowIfUntold()
    {
        if (_untold is not { } damage)
        {
            return;
        }

        _untold = null;
        if (_quarantine.TryPeek(out DebugBlock? block) && _housings.TryVacate(block))
        {
            _quarantine.Leave();
        }

        throw new InvariantViolationException("freed memory is not written to", damage.Text);
    }

    /// <summary>Room in the table for one block more, doubled each time it is full.</summary>
    private void Reserve()
    {
        GrowthFault.ThrowIfDue();
        if (_live.Count == _live.Capacity)
        {
            _ = _live.EnsureCapacity(Math.Max(16, 2 * _live.Count));
        }
    }

    private AuditSite? Capture(AuditCall call) => _stacks is null
        ? null
        : new AuditSite(call, _stacks.Capture(), Environment.CurrentManagedThreadId, Thread.CurrentThread.Name, _time.GetUtcNow());

    private DebugBlock? FindHolder(nuint address)
    {
        foreach (DebugBlock block in _live.Values)
        {
            if (block.Holds(address))
            {
                return block;
            }
        }

        return null;
    }

    private bool TryFindWritten(DebugBlock block, [NotNullWhen(true)] out HeapDamage? damage)
    {
        damage = _housings.TryFindWritten(block, out nuint at) ? Describe(block, at) : null;
        return damage is not null;
    }

    private void ThrowIfEnded() => ObjectDisposedException.ThrowIf(_ended, _heap);
}
