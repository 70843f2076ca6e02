using Vmem.Memory.Poisoning;

namespace Vmem.Memory.Heap.Debugging;

/// <summary>Blocks of the heap below that are longer than the user's block in them: with red zones or a guard page around it.</summary>
/// <remarks>
/// <para>
/// The red zone behind a block goes to the end of the padded block, the one in front is as long as was asked for. Where a long alignment
/// puts more in front, that is not filled: it may be megabytes.
/// </para>
/// <para>
/// A block with a guard page lies as near to it as its alignment lets it: that of every block, 16 bytes if its size is at most 64 or a
/// multiple of
/// 16, else 8. Guard pages are protected pages of the heap's own space, so that limit and figures hold for them, too. Rejected:
/// reservations of their own for guarded blocks, whose guard need not even be committed, but which lie outside all this.
/// </para>
/// </remarks>
internal sealed unsafe class PaddedBlocks(PlainHeap heap, HeapDebugging debugging)
{
    private const nuint Grain = 16;

    private readonly nuint _redZone = RoundUp(debugging.RedZone, Grain);
    private readonly HashSet<nuint> _samples = [];      // where padded blocks of samples start: to the heap they are blocks of users
    private bool _guardsFront;                    // of the next sample
    private long _guarded;                        // blocks with a guard page

    /// <summary>True if the padded block of a sample starts at an address.</summary>
    public bool IsSample(nuint address) => _samples.Contains(address);

    /// <summary>Makes room for one sample more, so that noting it needs no memory.</summary>
    public void Reserve() => _ = debugging.Sample == 0 ? 0 : _samples.EnsureCapacity(_samples.Count + 1);

    /// <summary>Finds a place for a block; the record's geometry is set. False if there is none. <paramref name="isZero"/> says whether the
    /// user's bytes are. A sample has a guard page, in front and behind by turns, or it is none; and no reserves are given up for
    /// it.</summary>
    public bool TryPlace(DebugBlock block, nuint size, nuint alignment, out bool isZero)
    {
        isZero = false;
        nuint limit = heap.Space.Size;
        return size <= limit && alignment <= limit
            && (size >= debugging.GuardPagesFrom && size <= debugging.GuardPagesTo && debugging.GuardPagesTo > 0 &&
                alignment <= HeapSpace.PageSize
                ? TryPlaceGuarded(block, size, alignment, out isZero)
                : debugging.Sample == 0 && TryPlacePlain(block, size, Math.Max(alignment, Grain), out isZero));
    }

    /// <summary>Fills the red zones, and the block itself if fresh blocks are to be filled.</summary>
    public void Initialize(DebugBlock block, ref bool isZero)
    {
        if (IsFenced(block))
        {
            GuardBytes.Set(FrontOf(block), block.Start);
            GuardBytes.Set(block.End, block.TouchableEnd);
        }

        if (debugging.FillFresh)
        {
            Pattern.Fill(block.Start, block.End, Pattern.Fresh);
            isZero = false;
        }
    }

    /// <summary>Where a live block's red zones were written, if they were.</summary>
    public bool TryFindBroken(DebugBlock block, out nuint address)
    {
        address = 0;
        return IsFenced(block)
            && (GuardBytes.TryFindBroken(FrontOf(block), block.Start, out address)
                || GuardBytes.TryFindBroken(block.End, block.TouchableEnd, out address));
    }

    /// <summary>A block is freed: what it held cannot be read any more, nor, where it has a guard page, can anything.</summary>
    public void Clear(DebugBlock block)
    {
        block.IsSealed = block.GuardPage > 0 && VirtualMemory.TryProtect((void*)block.TouchableStart, block.PaddedSize - block.GuardPage);
        if (debugging.PoisonFreed && !block.IsSealed)
        {
            Pattern.Fill(block.Start, block.End, Pattern.Freed);
        }
    }

    /// <summary>Where a freed block, or the red zone around it, was written, if it was. What is sealed was not.</summary>
    public bool TryFindWritten(DebugBlock block, out nuint address)
    {
        address = 0;
        return !block.IsSealed
            && ((debugging.PoisonFreed && Pattern.TryFindOther(block.Start, block.End, Pattern.Freed, out address)) ||
                TryFindBroken(block, out address));
    }

    /// <summary>Gives a freed block's place back. False if the system does not make its pages accessible again: nobody can have them
    /// then.</summary>
    public bool TryRelease(DebugBlock block)
    {
        if (block.GuardPage > 0)
        {
            if (!TryReopen(block))
            {
                return false;
            }

            NoteGuards(-1);
        }

        _ = _samples.Remove(block.Padded);
        heap.Free(block.Padded, size: null);
        return true;
    }

    /// <summary>Makes all of a freed block accessible again. A sealed one by fresh pages, which Linux joins to what is on both sides: not
    /// if only that has the advice to be huge pages. So the advice, which ends with the commitment, is given again.</summary>
    private bool TryReopen(DebugBlock block)
    {
        if (block.IsSealed && VirtualMemory.TryDecommit((void*)block.Padded, block.PaddedSize))
        {
            bool isCommitted = VirtualMemory.TryCommit((void*)block.Padded, block.PaddedSize);
            _ = isCommitted && heap.Space.IsHuge && VirtualMemory.TryAdviseHuge((void*)block.Padded, block.PaddedSize);
            return isCommitted;
        }

        (nuint first, nuint length) = block.IsSealed ? (block.Padded, block.PaddedSize) : (block.Guard, block.GuardPage);
        try
        {
            VirtualMemory.Unprotect((void*)first, length);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>Writes what is there, beside a guard page that is to be. If a mapping was touched before it is cut, Linux knows that its
    /// parts belong together, and joins them when the guard page has gone. Else each place where one ever was would stay a mapping of its
    /// own, which nobody counts: a process with many of them ends for want of mappings.</summary>
    private static void Touch(nuint address)
    {
        ref byte there = ref *(byte*)address;
        Volatile.Write(ref there, Volatile.Read(ref there));
    }

    /// <summary>All guard pages go with the heap's memory.</summary>
    public void End() => NoteGuards(-Interlocked.Read(ref _guarded));

    private bool TryGuard(nuint start, nuint page)
    {
        if (!GuardPages.TryTake())
        {
            return false;
        }

        bool isGuarded = false;
        try
        {
            isGuarded = VirtualMemory.TryProtect((void*)start, page);
            _ = isGuarded ? Interlocked.Increment(ref _guarded) : 0;
            return isGuarded;
        }
        finally
        {
            GuardPages.Give(isGuarded ? 0 : 1);
        }
    }

    private void NoteGuards(long change)
    {
        _ = Interlocked.Add(ref _guarded, change);
        GuardPages.Give(-change);
    }

    /// <summary>What lies between a block and its guard page is a red zone also where none was asked for.</summary>
    private bool IsFenced(DebugBlock block) => _redZone > 0 || block.GuardPage > 0;

    /// <summary>Where the red zone in front of a block starts; the block's start if its guard page is there.</summary>
    private nuint FrontOf(DebugBlock block) => block.Start - nuint.Min(_redZone, block.Start - block.TouchableStart);

    private static nuint RoundUp(nuint size, nuint alignment) => (size + alignment - 1) & ~(alignment - 1);

    private bool TryPlacePlain(DebugBlock block, nuint size, nuint alignment, out bool isZero)
    {
        isZero = false;
        nuint front = RoundUp(_redZone, alignment);
        nuint padded = front > heap.Space.Size - size ? 0 : heap.Take(front + size + _redZone, alignment, clear: false, out isZero);
        if (padded == 0)
        {
            return false;
        }

        block.Padded = padded;
        block.PaddedSize = heap.SizeOf(padded);
        block.Start = padded + front;
        block.Size = size;
        return true;
    }

    private bool TryPlaceGuarded(DebugBlock block, nuint size, nuint alignment, out bool isZero)
    {
        nuint page = HeapSpace.PageSize;
        nuint natural = debugging.ExactGuards ? 1u : size <= 64 || size % Grain == 0 ? Grain : 8u;
        alignment = nuint.Max(alignment, natural);
        nuint body = HeapSpace.RoundUp(_redZone + RoundUp(size, alignment));
        bool isSample = debugging.Sample != 0;
        nuint padded = heap.TakePages(body + page, mayTrim: !isSample, out isZero);
        if (padded == 0)
        {
            return false;
        }

        bool isInFront = isSample && _guardsFront;
        nuint guard = isInFront ? padded : padded + body;
        Touch(isInFront ? guard + page : guard - 1);
        bool isGuarded = TryGuard(guard, page);
        if (isSample && !isGuarded)
        {
            heap.Free(padded, size: null);
            return false;
        }

        if (isSample)
        {
            _guardsFront = !_guardsFront;
            _ = _samples.Add(padded);
        }

        block.Padded = padded;
        block.PaddedSize = body + page;
        block.GuardPage = isGuarded ? page : 0;
        block.IsGuardInFront = isInFront;
        block.Start = isInFront ? padded + page : padded + body - RoundUp(size, alignment);
        block.Size = size;
        return true;
    }
}
