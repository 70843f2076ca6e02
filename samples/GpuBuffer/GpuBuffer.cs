namespace Vmem.Samples;

/// <summary>A range of the card's memory, and what it holds.</summary>
internal readonly record struct GpuRange(uint Start, uint Size);

/// <summary>What lies in a range: cards want buffers and images in pages of their own.</summary>
internal enum GpuKind
{
    Buffer = 1,
    Image = 2,
}

/// <summary>
/// One block of a graphics card's memory, divided among meshes, images, uploads and shader constants. The arena hands out offsets and never
/// touches the memory, as it must where that is on the far side of a bus.
/// </summary>
/// <remarks>
/// What the card still reads must not be given to another: a range that is retired rests until the card has done the frame that used it
/// last (<c>FreeAt</c>, <c>CompleteFence</c>). Each range bears a tag, the number of the object that lies in it, so that a plan for
/// defragmenting says whose offset changes.
/// </remarks>
internal sealed class GpuBuffer : IDisposable
{
    /// <summary>Every offset is a multiple of this: the strictest alignment that cards ask of a buffer's offset.</summary>
    public const uint Alignment = 256;

    /// <summary>Buffers and images share no page of this size: Vulkan's bufferImageGranularity, as an older card has it.</summary>
    public const uint Page = 4 * 1024;

    /// <summary>Shader constants are bound through a window of this size, so that no block of them may straddle a multiple of it.</summary>
    public const uint ConstantWindow = 64 * 1024;

    /// <summary>How many frames the card may be behind.</summary>
    public const int FramesInFlight = 3;

    private readonly Arena<uint> _offsets;
    private readonly Arena<uint> _ring;
    private readonly byte[] _memory;              // stands in for the card's

    /// <param name="size">The size of the block.</param>
    /// <param name="ringSize">How much of its end is the ring for uploads and constants.</param>
    public GpuBuffer(uint size, uint ringSize)
    {
        _memory = new byte[size];
        _offsets = new Arena<uint>("gpu memory", start: 0, size - ringSize, quantum: Alignment, new ArenaOptions<uint>
        {
            SingleThreaded = true,
            Tagged = true,
            KindGranularity = Page,
        });

        // Next fit walks round and round: with rests that end in the order of frames that is a ring, and nobody counts heads and tails.
        _ring = new Arena<uint>("upload ring", start: size - ringSize, ringSize, quantum: Alignment, new ArenaOptions<uint>
        {
            SingleThreaded = true,
            Policy = FitPolicy.NextFit,
        });
    }

    /// <summary>The frame that is being recorded.</summary>
    public ulong Frame { get; private set; } = FramesInFlight;

    public Arena<uint> Offsets => _offsets;

    public Arena<uint> Ring => _ring;

    public Span<byte> Contents(GpuRange range) => _memory.AsSpan((int)range.Start, (int)range.Size);

    /// <summary>Memory for an object that lives until it is retired.</summary>
    public bool TryAllocate(uint size, GpuKind kind, ulong owner, out GpuRange range)
    {
        bool isDone = _offsets.TryAllocateConstrained(size, new() { Kind = (int)kind, Tag = owner }, out uint start);
        range = new GpuRange(start, size);
        return isDone;
    }

    /// <summary>The current frame is the last that uses this range.</summary>
    public void Retire(GpuRange range) => _offsets.FreeAt(range.Start, range.Size, Frame);

    /// <summary>Memory for what only this frame reads; nobody needs to retire it.</summary>
    public bool TryUpload(uint size, out uint start)
    {
        bool isDone = _ring.TryAllocate(size, out start);
        if (isDone)
        {
            _ring.FreeAt(start, size, Frame);
        }

        return isDone;
    }

    /// <summary>The same for a block of shader constants.</summary>
    public bool TryUploadConstants(uint size, out uint start)
    {
        bool isDone = _ring.TryAllocateConstrained(size, new() { NoCross = ConstantWindow }, out start);
        if (isDone)
        {
            _ring.FreeAt(start, size, Frame);
        }

        return isDone;
    }

    /// <summary>Submits the frame, and waits for the one that is <see cref="FramesInFlight"/> behind: what rests for it is free
    /// now.</summary>
    public void EndFrame()
    {
        Frame++;
        Complete(Frame - FramesInFlight);
    }

    /// <summary>Waits until the card has nothing left to do.</summary>
    public void WaitIdle() => Complete(Frame);

    /// <summary>Moves ranges in this frame, as far as the budget goes. The card copies; frames in flight still read the old places, which
    /// rest for them.</summary>
    /// <param name="budget">How many bytes at most.</param>
    /// <param name="wanted">The size of what is to fit then; 0: nothing in particular.</param>
    /// <param name="moved">Is told whose object begins where from the next frame on.</param>
    /// <returns>How many bytes are copied.</returns>
    public uint Defragment(uint budget, uint wanted, Action<ulong, uint> moved)
    {
        uint copied = 0;
        foreach (RangeMove<uint> move in _offsets.PlanDefragmentation(new() { MaxSize = budget, Wanted = wanted }))
        {
            if (_offsets.BeginMove(move))
            {
                Contents(new GpuRange(move.From, move.Size)).CopyTo(Contents(new GpuRange(move.To, move.Size)));
                _offsets.FreeAt(move.From, move.Size, Frame);
                moved(move.Tag, move.To);
                copied += move.Size;
            }
        }

        return copied;
    }

    public void Dispose()
    {
        _offsets.Dispose();
        _ring.Dispose();
    }

    private void Complete(ulong frame)
    {
        _offsets.CompleteFence(frame);
        _ring.CompleteFence(frame);
    }
}
