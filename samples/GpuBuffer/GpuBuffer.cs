namespace Vmem.Samples;

/// <summary>
/// One large buffer of a graphics card, divided among meshes, uploads and shader constants. The arena hands out offsets and never touches
/// the buffer, as it must where the buffer is on the far side of a bus.
/// </summary>
/// <remarks>
/// What the card still reads must not be given to another: a retired range stays allocated until the frame that used it last has left the
/// pipeline. Such a range is held by handle, which makes the free, frames later, one without a look-up, and finds for sure whatever was
/// retired twice.
/// </remarks>
internal sealed class GpuBuffer : IDisposable
{
    /// <summary>Every offset is a multiple of this: the strictest alignment that cards ask of a buffer's offset.</summary>
    public const uint Alignment = 256;

    /// <summary>Shader constants are bound through a window of this size, so that no block of them may straddle a multiple of it.</summary>
    public const uint ConstantWindow = 64 * 1024;

    /// <summary>How many frames the card may be behind.</summary>
    public const int FramesInFlight = 3;

    private readonly Arena<uint> _offsets;
    private readonly byte[] _memory;              // stands in for the card's
    private readonly Queue<(long Frame, RangeHandle<uint> Range)> _retired = new();
    private readonly Queue<(long Frame, uint Start, uint Size)> _retiredConstants = new();

    public GpuBuffer(uint size)
    {
        _memory = new byte[size];
        _offsets = new Arena<uint>("gpu buffer", start: 0, size, quantum: Alignment, new ArenaOptions<uint> { SingleThreaded = true });
    }

    public long Frame { get; private set; }

    public Arena<uint> Offsets => _offsets;

    public Span<byte> Contents(in RangeHandle<uint> range) => _memory.AsSpan((int)range.Start, (int)range.Size);

    public bool TryAllocate(uint size, out RangeHandle<uint> range) => _offsets.TryAllocateHandle(size, out range);

    /// <summary>A block of shader constants for the current frame; nobody needs to retire it.</summary>
    public uint AllocateConstants(uint size)
    {
        uint start = _offsets.AllocateConstrained(size, new RangeConstraints<uint> { NoCross = ConstantWindow });
        _retiredConstants.Enqueue((Frame, start, size));
        return start;
    }

    /// <summary>The current frame is the last that uses this range.</summary>
    public void Retire(in RangeHandle<uint> range) => _retired.Enqueue((Frame, range));

    /// <summary>Submits the frame, and waits for the one that is <see cref="FramesInFlight"/> behind: what it was the last to use is free
    /// now.</summary>
    public void EndFrame()
    {
        Frame++;
        FreeRetired(before: Frame - FramesInFlight + 1);
    }

    /// <summary>Waits until the card has nothing left to do.</summary>
    public void WaitIdle() => FreeRetired(before: long.MaxValue);

    /// <summary>
    /// Slides the given ranges down, lowest first, as far as each goes, with their contents. The card must be idle. The array receives the
    /// ranges' new handles, in address order.
    /// </summary>
    /// <returns>How many bytes were copied.</returns>
    public ulong Defragment(RangeHandle<uint>[] ranges)
    {
        ulong copied = 0;
        Array.Sort(ranges, static (one, other) => one.Start.CompareTo(other.Start));
        for (int i = 0; i < ranges.Length; i++)
        {
            RangeHandle<uint> old = ranges[i];
            _offsets.Free(old);                   // first, so that its own place counts as room: the lowest fit is at or below it
            _ = _offsets.TryAllocateHandle(old.Size, FitPolicy.FirstFit, out ranges[i]);
            if (ranges[i].Start != old.Start)
            {
                Contents(old).CopyTo(Contents(ranges[i]));
                copied += old.Size;
            }
        }

        return copied;
    }

    public void Dispose() => _offsets.Dispose();

    private void FreeRetired(long before)
    {
        while (_retired.TryPeek(out (long Frame, RangeHandle<uint> Range) oldest) && oldest.Frame < before)
        {
            _ = _retired.Dequeue();
            _offsets.Free(oldest.Range);
        }

        while (_retiredConstants.TryPeek(out (long Frame, uint Start, uint Size) oldest) && oldest.Frame < before)
        {
            _ = _retiredConstants.Dequeue();
            _offsets.FreeConstrained(oldest.Start, oldest.Size);
        }
    }
}
