using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Memory.Heap;
using Vmem.Memory.Window;

namespace Vmem.Memory;

// The paths that end in a magazine, and what they are checked against: BlockStates.
public sealed unsafe partial class NativeHeap
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ref byte StateAt(nuint grain, int shift) => ref _states[(grain + _bias) >> shift];

    /// <summary>Takes a block from the thread's magazine, and notes that it is with a user.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTakeCached(int thread, byte sizeClass, out nuint block)
    {
        ref HeapMagazine mine = ref MagazineTable.Of(_threads, thread, sizeClass);
        if (!mine.TryPop(out block))
        {
            return false;
        }

        if (_states is null)
        {
            return true;
        }

        nuint grain = (block - _start) >> BlockStates.GrainShift;
        ref byte state = ref StateAt(grain, mine.SlotShift);
        if (state != 0)
        {
            return PassOver(block);
        }

        state = BlockStates.LiveAt(grain);
        return true;
    }

    /// <summary>Puts a small block into the thread's magazine, if that has room, and it is with a user.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryCache(void* block, nuint size)
    {
        int thread = ThreadNumber.Current;
        nuint grain = BlockStates.GrainOf((nuint)block, _start);
        nuint granule = grain >> (GranuleTable.GranuleShift - BlockStates.GrainShift);
        if (granule >= _granules)
        {
            return false;
        }

        // What is no small block of a slab is of no class, or of one that has no open magazine.
        uint* entry = _entries + granule;
        if (*entry - _firstEntry > byte.MaxValue)
        {
            return false;
        }

        byte sizeClass = GranuleTable.ClassOf(entry);
        ref HeapMagazine mine = ref MagazineTable.Of(_threads, thread, sizeClass);
        if (_states is null)
        {
            return mine.TryPush((nuint)block);
        }

        ref byte state = ref StateAt(grain, mine.SlotShift);
        byte live = BlockStates.LiveAt(grain);
        if (state != live || (size != 0 && size > (nuint)SizeClasses.SizeOf(sizeClass)))
        {
            return false;
        }

        state = 0;                                // before another can have the block
        if (mine.TryPush((nuint)block))
        {
            return true;
        }

        state = live;
        return false;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool PassOver(nuint block)
    {
        using HeapCall call = new(this, ref _calls);
        if (Volatile.Read(ref _disposed) == 0)
        {
            Volatile.Read(ref _layers)?.Plain.NoteTwice(block);
        }

        return false;
    }
}
