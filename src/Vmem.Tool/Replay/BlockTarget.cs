using Vmem.Tool.Blocks;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Replay;

/// <summary>
/// Real memory: a heap, or a malloc. Blocks are allocated and written to, a byte on each page, outside of the single operations' times.
/// <para>
/// Its addresses are the system's, and no map is drawn of them. What it needs is memory: what was resident at most in a process of its
/// own, see
/// <see cref="ResidentProbe"/>, where that was measured.
/// </para>
/// </summary>
internal sealed unsafe class BlockTarget(BlockAllocator allocator) : IReplayTarget
{
    // Programs ask for some thousands of sizes; arbitrary. A recording of more of them forgets all, and asks the allocator again.
    internal const int MostSizes = 1 << 14;

    private readonly Dictionary<ulong, ulong> _rounded = new(SeededHash.Instance);
    private ulong _inUse;
    private ulong _most;

    public string Name => AllocatorNames.NameOf(Allocator);

    public AllocatorKind Allocator => allocator.Kind;

    public bool HasMap => false;

    /// <summary>What a process of its own found; null if none did.</summary>
    public ResidentFigures? Resident { get; set; }

    /// <summary>False: asked again, an allocator may say otherwise.</summary>
    public bool RoundsAlike => false;

    /// <summary>The sizes whose rounding is known.</summary>
    internal int KnownSizes => _rounded.Count;

    public ulong RoundUp(ulong requested)
    {
        if (!_rounded.TryGetValue(requested, out ulong size))
        {
            if (_rounded.Count == MostSizes)
            {
                _rounded.Clear();
            }

            _rounded.Add(requested, size = allocator.RoundUp(requested));
        }

        return size;
    }

    public bool TryAllocate(ulong size, out ulong offset) => TryAllocate(size, size, out offset);

    // As the program asks: glibc, asked for what it had made of a size, may make more of that.
    public bool TryAllocate(ulong requested, ulong size, out ulong offset)
    {
        void* block = null;
        if (size == ulong.MaxValue || !allocator.TryAllocate((nuint)requested, out block))
        {
            offset = 0;
            return false;
        }

        offset = (ulong)block;
        return true;
    }

    public void Free(ulong offset, ulong size) => allocator.Free((void*)offset);

    public void Use(ulong offset, ulong requested, ulong size)
    {
        BlockAllocator.Touch((void*)offset, requested);
        _inUse += size;
        _most = Math.Max(_most, _inUse);
    }

    public void Disuse(ulong size) => _inUse -= size;

    public void Abandon(ulong offset) => allocator.Free((void*)offset);

    public ulong GetRange(ulong highestEnd) => Resident?.PeakBytes ?? _most;

    public TargetFigures GetFigures()
    {
        ulong held = Math.Max(allocator.Held ?? _inUse, _inUse);
        _most = Math.Max(_most, held);
        return new TargetFigures(_inUse, held - _inUse, 0);
    }

    public void Dispose() => allocator.Dispose();
}
