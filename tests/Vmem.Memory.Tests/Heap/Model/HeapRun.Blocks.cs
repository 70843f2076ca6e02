using System.Numerics;

namespace Vmem.Memory.Tests.Heap.Model;

// Blocks that come, change, and are called by wrong names.
internal sealed unsafe partial class HeapRun
{
    private void Allocate(in HeapStep step, int index)
    {
        NativeHeap heap = _heaps[index];
        nuint size = (nuint)step.Size;
        nuint alignment = step.Kind == HeapStepKind.AllocateAligned ? (nuint)1 << step.AlignShift : 1;
        void* block;
        try
        {
            block = step.Kind switch
            {
                HeapStepKind.Allocate => heap.Allocate(size),
                HeapStepKind.AllocateZeroed => heap.AllocateZeroed(size),
                HeapStepKind.AllocateAligned => heap.AllocateAligned(size, alignment),
                _ => heap.TryAllocate(size, out void* tried) ? tried : null,
            };
        }
        catch (OutOfMemoryException)
        {
            block = null;
        }

        if (block is null)
        {
            CheckRefusal(index, size, alignment);
            return;
        }

        Require(step.Kind != HeapStepKind.AllocateZeroed || Pattern.IsZero(block, heap.GetSize(block)), "a zeroed block is not zero");
        Add(index, block, size, alignment);
    }

    /// <summary>A full heap is one where there is truly little room: it may be cut up, but not by half.</summary>
    private void CheckRefusal(int index, nuint size, nuint alignment) =>
        Require(
            _scenario.Limit != 0 && _heaps[index].GetStatistics().Held + size + alignment > (nuint)_scenario.Limit / 4,
            $"a heap refuses {size} bytes: {_heaps[index].GetStatistics()}");

    private void Reallocate(int heap, int index, nuint size)
    {
        HeapBlock block = _blocks[heap][index];
        CheckContents(block);
        void* moved;
        try
        {
            moved = _heaps[heap].Reallocate((void*)block.Start, size);
        }
        catch (OutOfMemoryException)
        {
            CheckRefusal(heap, size, 1);
            CheckContents(block);
            return;
        }

        Require(Pattern.Holds(moved, nuint.Min(size, block.Usable), block.Number) || size < sizeof(int), "a block has lost its contents when it was resized");
        Remove(heap, index);
        Add(heap, moved, size, 1, resized: true);
    }

    private void Add(int index, void* block, nuint size, nuint alignment, bool resized = false)
    {
        var start = (nuint)block;
        nuint usable = _heaps[index].GetSize(block);
        Require((start & (alignment - 1)) == 0, $"a block of {size} bytes does not start at a multiple of {alignment}");
        Require(start % (size <= 64 || size % 16 == 0 ? 16u : 8u) == 0 || resized, $"a block of {size} bytes starts at {start}");
        Require(usable >= nuint.Max(size, 1), $"a block of {size} bytes has {usable}");
        if (alignment <= 8 && !resized)
        {
            Require(usable <= nuint.Max(16, size < 128 ? size + 15 : size + (usable / 8)), $"a block of {size} bytes has {usable}");
        }

        Require(
            _extents.GetViewBetween((start + 1, 0), (nuint.MaxValue, 0)).Min is var (_, next) && (next == 0 || next >= start + usable),
            $"the block at {start} lies over another");
        int number = ++_numbers * 0x01000193;
        Pattern.Write(block, usable, number);
        _blocks[index].Add(new HeapBlock(start, size, usable, number));
        _ = _extents.Add((start + usable, start));
    }

    private void Remove(int heap, int index)
    {
        List<HeapBlock> blocks = _blocks[heap];
        _ = _extents.Remove((blocks[index].Start + blocks[index].Usable, blocks[index].Start));
        blocks[index] = blocks[^1];
        blocks.RemoveAt(blocks.Count - 1);
    }

    /// <summary>What can be found at once: addresses of nobody, of other heaps, and inside large blocks.</summary>
    private void FreeWrong(int heap, in HeapStep step)
    {
        nuint page = VirtualMemory.PageSize;
        HeapBlock? large = _blocks[heap].Find(block => block.Usable > 64 * 1024);
        HeapBlock? foreign = _blocks[(heap + 1) % _heaps.Length].FirstOrDefault();
        nuint wrong = (step.Target % 3) switch
        {
            0 when large is not null => large.Start + page,
            1 when foreign is not null && _heaps.Length > 1 => foreign.Start,
            _ => (nuint)BitOperations.RoundUpToPowerOf2((uint)step.Target + 1),
        };
        foreach (Action call in (Action[])[
            () => _heaps[heap].Free((void*)wrong),
            () => _heaps[heap].GetSize((void*)wrong),
            () => _heaps[heap].Reallocate((void*)wrong, 100)
        ])
        {
            bool isRefused = false;
            try
            {
                call();
            }
            catch (InvalidFreeException)
            {
                isRefused = true;
            }

            Require(isRefused, $"a wrong address, {wrong:x}, was taken for a block");
        }
    }

    private void CheckContents(HeapBlock block) =>
        Require(Pattern.Holds((void*)block.Start, block.Usable, block.Number), $"somebody has written into the block of {block.Usable} bytes at {block.Start}");

    private void CheckFigures(int heap)
    {
        NativeHeapStatistics statistics = _heaps[heap].GetStatistics();
        nuint inUse = 0;
        foreach (HeapBlock block in _blocks[heap])
        {
            inUse += block.Usable;
        }

        Require(
            (statistics.LiveBlocks, statistics.InUse) == (_blocks[heap].Count, inUse),
            $"the model has {_blocks[heap].Count} blocks and {inUse} bytes in use, the heap {statistics}");
        Require(statistics.Held >= statistics.InUse + statistics.Cached && statistics.Reserved >= statistics.Held, $"figures do not add up: {statistics}");
    }
}
