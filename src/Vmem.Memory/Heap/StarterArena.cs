namespace Vmem.Memory.Heap;

/// <summary>Where the first blocks of each class come from: an arena for all classes, in which they lie side by side.</summary>
/// <remarks>
/// <para>
/// A program that uses a megabyte uses few blocks of most classes. A slab for three blocks of a class would be a page of memory for them.
/// So a class has its first blocks, two pages of them, from here, at the cost of an arena's operation. Only if it asks for more does it get
/// slabs, and its threads magazines. With this, cc1plus' recording (docs/replay.md) takes 1.20 MB instead of 1.27.
/// </para>
/// <para>
/// Counted are requests, not live blocks: a class that is used again and again, however few at a time, soon has magazines. What came from
/// here goes back here, found by the class that stands for it in the map of granules.
/// </para>
/// <para>A class that may have no slab, as the heap's limit is near (<see cref="SlabShare"/>), has more than its share.</para>
/// </remarks>
internal sealed class StarterArena : IArenaSource<nuint>, IDisposable
{
    /// <summary>What stands in the map for granules of this arena: no class, and without magazines.</summary>
    public const int SizeClass = SizeClasses.Count;

    // With 2, 4 and 16 KiB the recordings took up to 2 % more. 64 blocks, so that classes of few bytes soon have magazines: arbitrary.
    private const int BytesForEach = 8 * 1024;
    private const int MostForEach = 64;

    private readonly HeapSpace _space;
    private readonly Arena<nuint> _blocks;
    private readonly int[] _left = new int[SizeClasses.Count];   // of each class's share; negative: it has had so many more

    public StarterArena(string heap, HeapSpace space)
    {
        _space = space;
        ArenaOptions<nuint> options = new() { Source = this, SharesSource = false, MinImport = HeapSpace.Granule };
        _blocks = new Arena<nuint>($"{heap}: first blocks", Quantum, options);
        for (int sizeClass = 1; sizeClass < SizeClasses.Count; sizeClass++)
        {
            _left[sizeClass] = ShareOf(sizeClass);
        }
    }

    /// <summary>What blocks start at multiples of.</summary>
    public static nuint Quantum => 16;

    nuint IArenaSource<nuint>.Quantum => HeapSpace.Granule;

    public ArenaStatistics<nuint> Statistics => _blocks.GetStatistics();

    /// <summary>A block, if the class has not had its share.</summary>
    public bool TryTake(int sizeClass, out nuint block)
    {
        block = 0;
        return _left[sizeClass] > 0 && TryTakeBeyond(sizeClass, Quantum, out block);
    }

    /// <summary>A block, whatever the class has had.</summary>
    public bool TryTakeBeyond(int sizeClass, nuint alignment, out nuint block)
    {
        ref int left = ref _left[sizeClass];
        left = Math.Max(left - 1, -int.MaxValue);     // two threads may count one: it is no account
        try
        {
            var size = (nuint)SizeClasses.SizeOf(sizeClass);
            return alignment <= Quantum
                ? _blocks.TryAllocate(size, out block)
                : _blocks.TryAllocateConstrained(size, new RangeConstraints<nuint> { Align = alignment }, out block);
        }
        catch (OutOfMemoryException)
        {
            block = 0;
            return false;
        }
    }

    /// <summary>Bytes that a class has asked for here, whether they are live or not.</summary>
    public nuint TakenBytes(int sizeClass) => (nuint)(ShareOf(sizeClass) - (long)_left[sizeClass]) * (nuint)SizeClasses.SizeOf(sizeClass);

    /// <summary>The block that an address is in.</summary>
    public bool TryFind(nuint address, out Segment<nuint> found) =>
        _blocks.TryGetSegment(address, out found) && found.Kind == SegmentKind.Allocated;

    /// <exception cref="InvalidFreeException">Another thread has freed it meanwhile.</exception>
    public void Free(nuint block, nuint size) => _blocks.Free(block, size);

    /// <summary>Gives pages back of which no block is live.</summary>
    public void Trim() => _ = _blocks.Reap();

    public void Validate() => _blocks.Validate();

    /// <summary>How many blocks a class has from here before it gets a slab.</summary>
    /// <remarks>Blocks of some classes start at odd multiples of 8. Here they are longer than a ninth may be lost of them.</remarks>
    private static int ShareOf(int sizeClass) =>
        SizeClasses.SizeOf(sizeClass) is var size && size % (int)Quantum == 0 ? Math.Clamp(BytesForEach / size, 1, MostForEach) : 0;

    bool IArenaSource<nuint>.TryImport(nuint size, in RangeConstraints<nuint> constraints, out nuint start, out nuint imported)
    {
        imported = size;
        if (!_space.TryAllocate(size, HeapSpace.Granule, clear: false, out start, out _))
        {
            return false;
        }

        _space.SetClass(start, size, SizeClass);
        return true;
    }

    void IArenaSource<nuint>.Release(nuint start, nuint size)
    {
        _space.SetClass(start, size, 0);
        _space.Free(start, size);
    }

    public void Dispose() => _blocks.Dispose();
}
