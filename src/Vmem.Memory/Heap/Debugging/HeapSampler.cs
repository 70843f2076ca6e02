namespace Vmem.Memory.Heap.Debugging;

/// <summary>A heap of which one block in many is debugged: a layer around a plain heap with all its fast paths, and beside it a debugger
/// for the samples.</summary>
/// <remarks>
/// <para>
/// <b>Which.</b> What the fast paths hand out is counted by the magazine it comes from: when a stretch is over, the next request of its
/// thread and class fails there, and so comes here (<see cref="HeapMagazine"/>). All other requests come here anyway, and are counted by
/// one number. How long a stretch is, and when the number is up, is drawn (<see cref="SampleRate"/>). A sample that is due is left out if
/// too much time went into samples lately (<see cref="SampleTime"/>), if there are too many, or if the system has no guard page for it.
/// </para>
/// <para>
/// <b>Where.</b> A sample lies in pages of the plain heap, one of which is a guard page: to it a large block, whose class in the table is
/// none. So the fast path of a free, which looks at the class of every block, does not take it, and it comes here. Rejected: a place of
/// their own for all samples, in slots of a page (GWP-ASan). Blocks longer than a page could be no samples.
/// </para>
/// <para>
/// <b>What is told.</b> An overrun, or a use after free, is a fault where it happens; who that was, and whose the block is, says the
/// process's dump. A free that is wrong is an <see cref="InvalidFreeException"/> with both stacks, as long as the sample is
/// remembered. What the plain heap refuses is looked up among the samples afterwards.
/// </para>
/// </remarks>
internal sealed class HeapSampler : IHeapLayer
{
    private const int MostSamples = 1_000;        // arbitrary: 8 MB of blocks up to a page, and 2,000 mappings of 65,530
    private const nuint MostQuarantine = 1 << 20;
    private const nuint LimitShare = 64;          // with a guard page each: a thirty-second

    private readonly PlainHeap _plain;
    private readonly SampleRate _rate;
    private readonly SampleTime _time;
    private readonly int _most;
    private int _left;                            // requests that come here before the next sample

    public HeapSampler(PlainHeap plain, HeapDebugging debugging, TimeProvider time, SampleRate rate)
    {
        _plain = plain;
        _rate = rate;
        _time = new SampleTime(isLimited: time == TimeProvider.System);
        _left = rate.Next();
        nuint share = plain.Space.Size / LimitShare;
        _most = (int)nuint.Clamp(share / HeapSpace.PageSize, 1, MostSamples);
        Sampled = new HeapDebugger(
            plain,
            debugging with
            {
                Owners = true,
                PoisonFreed = true,
                RedZone = nuint.Max(debugging.RedZone, HeapDebugging.Default.RedZone),
                GuardPagesFrom = 0,
                GuardPagesTo = nuint.MaxValue,
                Quarantine = debugging.Quarantine != 0 ? debugging.Quarantine : nuint.Min(MostQuarantine, share),
            },
            time);
    }

    /// <summary>The records of samples.</summary>
    public HeapDebugger Sampled { get; }

    public nuint Take(nuint size, nuint alignment, bool clear, out bool isZero)
    {
        if (IsDue(size, alignment) && TrySample(size, alignment, out nuint block, out isZero))
        {
            return block;
        }

        block = _plain.Take(size, alignment, clear, out isZero);
        return block == 0 && Sampled.TryForget() ? _plain.Take(size, alignment, clear, out isZero) : block;
    }

    public void Free(nuint block, nuint? size)
    {
        if (IsSample(block))
        {
            _ = _time.TryBegin(out long begin);
            Sampled.Free(block, size);
            _time.End(begin);
            return;
        }

        try
        {
            _plain.Free(block, size);
        }
        catch (InvalidFreeException) when (Sampled.Explains(block))
        {
            throw Sampled.Refuse(block, "free");
        }
    }

    public nuint SizeOf(nuint block)
    {
        if (IsSample(block))
        {
            return Sampled.SizeOf(block);
        }

        try
        {
            return _plain.SizeOf(block);
        }
        catch (InvalidFreeException) when (Sampled.Explains(block))
        {
            throw Sampled.Refuse(block, "measure");
        }
    }

    public bool Owns(nuint address) => _plain.Owns(address);

    public bool TryResize(nuint block, nuint size, nuint alignment, out nuint old, out bool canStay)
    {
        if (IsSample(block))
        {
            return Sampled.TryResize(block, size, alignment, out old, out canStay);
        }

        try
        {
            return _plain.TryResize(block, size, alignment, out old, out canStay);
        }
        catch (InvalidFreeException) when (Sampled.Explains(block))
        {
            throw Sampled.Refuse(block, "resize");
        }
    }

    public bool TryMove(nuint block, nuint moved, nuint size) =>
        !IsSample(block) && !IsSample(moved) && _plain.TryMove(block, moved, size);

    public nuint Trim() => Sampled.Trim();

    public bool TryCount(out NativeHeapStatistics figures)
    {
        bool isThere = _plain.TryCount(out figures);
        Sampled.Correct(ref figures);
        return isThere;
    }

    public void Validate() => Sampled.Validate();

    public Action? End(bool reports) => Sampled.End(reports);

    private bool IsSample(nuint address) => _plain.Space.ClassAt(address) == 0 && Sampled.Holds(address);

    private bool IsDue(nuint size, nuint alignment)
    {
        bool isDue = _plain.TryEndStretch(size, alignment, out bool counts);
        if (isDue || counts)
        {
            return isDue;
        }

        isDue = Interlocked.Decrement(ref _left) < 0;
        if (isDue)
        {
            Volatile.Write(ref _left, _rate.Next());
        }

        return isDue;
    }

    /// <summary>False if there can be no sample now: for want of memory, too.</summary>
    private bool TrySample(nuint size, nuint alignment, out nuint block, out bool isZero)
    {
        block = 0;
        isZero = false;
        if (!_time.TryBegin(out long begin))
        {
            return false;
        }

        try
        {
            block = Sampled.TakeSample(size, alignment, _most, out isZero);
        }
        catch (OutOfMemoryException)
        {
            // The user's request does not fail for the sake of records.
        }
        finally
        {
            _time.End(begin);
        }

        return block != 0;
    }
}
