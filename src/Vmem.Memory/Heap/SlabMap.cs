using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vmem.Memory.Heap;

/// <summary>By granule of the heap's space: the class of the slab that covers it, and the slab's record.</summary>
/// <remarks>Two tables, because a free needs only the class: a line of the first, 64 bytes, stands for 4 MiB of memory.</remarks>
internal sealed unsafe class SlabMap : IDisposable
{
    private readonly nuint _start;
    private readonly nuint _granules;
    private readonly byte* _classes;
    private readonly Slab** _slabs;
    private long _used;                           // no slab lies beyond so many granules

    public SlabMap(nuint start, nuint granules)
    {
        _start = start;
        _granules = granules;
        _slabs = (Slab**)NativeMemory.AllocZeroed(granules, (nuint)sizeof(Slab*) + 1);     // one request: it fails or not
        _classes = (byte*)(_slabs + granules);
    }

    public byte* Classes => _classes;

    /// <summary>The class of the slab that an address is in, or what stands for one; 0 if neither is there.</summary>
    public int ClassAt(nuint address)
    {
        nuint granule = (address - _start) >> HeapSpace.GranuleShift;
        return granule < _granules ? _classes[granule] : 0;
    }

    /// <summary>The slab that an address is in; null if it is in none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Slab* SlabAt(nuint address)
    {
        nuint granule = (address - _start) >> HeapSpace.GranuleShift;
        return granule < _granules ? _slabs[granule] : null;
    }

    /// <summary>The first slab of a class from an address on; null if there is none. O(granules used).</summary>
    public Slab* NextOf(int sizeClass, nuint address)
    {
        for (nuint granule = (address - _start) >> HeapSpace.GranuleShift; granule < (nuint)_used; granule++)
        {
            if (_classes[granule] == sizeClass)
            {
                return _slabs[granule];
            }
        }

        return null;
    }

    public void Set(nuint start, nuint size, Slab* slab) => Set(start, size, slab, slab->SizeClass);

    /// <summary>What lies there has a class, or stands for one, but is no slab.</summary>
    public void Set(nuint start, nuint size, int sizeClass) => Set(start, size, null, sizeClass);

    public void Clear(nuint start, nuint size) => Fill(start, size, null, 0);

    /// <summary>Forgets all slabs.</summary>
    public void Clear()
    {
        NativeMemory.Clear(_classes, (nuint)_used);
        NativeMemory.Clear(_slabs, (nuint)_used * (nuint)sizeof(Slab*));
        _used = 0;
    }

    public void Dispose() => NativeMemory.Free(_slabs);

    private void Set(nuint start, nuint size, Slab* slab, int sizeClass)
    {
        Fill(start, size, slab, (byte)sizeClass);
        InterlockedMax(ref _used, (long)((start + size - _start) >> HeapSpace.GranuleShift));
    }

    /// <summary>Makes a value at least as large as the candidate.</summary>
    public static void InterlockedMax(ref long value, long candidate)
    {
        for (long known = Volatile.Read(ref value); known < candidate;)
        {
            long found = Interlocked.CompareExchange(ref value, candidate, known);
            known = found == known ? candidate : found;
        }
    }

    private void Fill(nuint start, nuint size, Slab* slab, byte sizeClass)
    {
        nuint granule = (start - _start) >> HeapSpace.GranuleShift;
        for (nuint end = granule + (size >> HeapSpace.GranuleShift); granule < end; granule++)
        {
            _slabs[granule] = slab;
            _classes[granule] = sizeClass;
        }
    }
}
