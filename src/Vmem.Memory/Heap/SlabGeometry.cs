using System.Runtime.CompilerServices;
using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

/// <summary>How the slabs of a class are cut.</summary>
internal readonly struct SlabGeometry
{
    // A slab is the shortest run of at most 4 granules at whose end no more than a sixteenth is lost. With four that is so for all classes
    // but one (29,696 bytes: 9.4 %); longer ones would keep more memory for the few blocks that a class may need.
    private const int MostGranules = 4;
    private const int LossDivisor = 16;

    private readonly ulong _reciprocal;           // ⌈2^32 / size⌉: offset × it ÷ 2^32 is right for multiples of the size below 2^18
    private readonly int _slotShift;

    public SlabGeometry(int sizeClass)
    {
        Size = SizeClasses.SizeOf(sizeClass);
        Bytes = HeapSpace.Granule;
        while (Bytes < MostGranules * HeapSpace.Granule && Bytes % (nuint)Size > Bytes / LossDivisor)
        {
            Bytes += HeapSpace.Granule;
        }

        Capacity = (int)(Bytes / (nuint)Size);
        _reciprocal = ((1ul << 32) + (ulong)Size - 1) / (ulong)Size;
        _slotShift = SizeClasses.SlotShiftOf(sizeClass) + BlockStates.GrainShift;
    }

    /// <summary>How long a block is.</summary>
    public int Size { get; }

    /// <summary>How long a slab is.</summary>
    public nuint Bytes { get; }

    /// <summary>How many blocks it has.</summary>
    public int Capacity { get; }

    /// <summary>The memory whose slots' bytes share a cache line.</summary>
    public nuint BytesByLine => (nuint)64 << _slotShift;

    /// <summary>The number of the block that starts so far into a slab; false for what lies inside one, or behind the last.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryIndex(nuint offset, out int index)
    {
        index = (int)((offset * _reciprocal) >> 32);
        return (nuint)index * (nuint)Size == offset && index < Capacity;
    }

    /// <summary>Which of the slab's bytes in <see cref="BlockStates"/> is said of an offset.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public nuint SlotOf(nuint offset) => offset >> _slotShift;
}
