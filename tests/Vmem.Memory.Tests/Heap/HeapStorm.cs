using Vmem.Caching;
using Vmem.Testing.Generation;
using Vmem.Testing.Time;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Blocks of all sizes in places that all threads share: whoever takes one out checks what is written in it, and frees or resizes
/// it.</summary>
/// <param name="heap">The heap.</param>
/// <param name="sizes">The sizes of the blocks; null for all.</param>
/// <param name="time">The heap's clock, which then moves on all the time; null if it has another.</param>
internal sealed unsafe class HeapStorm(NativeHeap heap, int[]? sizes = null, ManualTime? time = null)
{
    private const int Places = 512;
    private const int HeaderSize = 2 * sizeof(int);     // the block's number, and how long its pattern is

    private readonly nint[] _places = new nint[Places];
    private long _allocations;
    private bool _isOver;
    private Exception? _fault;

    /// <summary>What went wrong first; null if nothing did.</summary>
    public Exception? Fault => Volatile.Read(ref _fault);

    /// <summary>How many blocks the heap was asked for and gave.</summary>
    public long Allocations => Volatile.Read(ref _allocations);

    public void Work(SeededRandom random, int operations)
    {
        try
        {
            for (int i = 0; i < operations && Fault is null; i++)
            {
                nint block = Interlocked.Exchange(ref _places[random.Below(Places)], 0);
                if (block != 0)
                {
                    Check((byte*)block);
                    if (random.Below(4) != 0)
                    {
                        Free(random, (byte*)block);
                        continue;
                    }

                    block = Resize((byte*)block, SizeOf(random), random.Below(int.MaxValue));
                }
                else
                {
                    block = Allocate(random);
                }

                nint other = block == 0 ? 0 : Interlocked.Exchange(ref _places[random.Below(Places)], block);
                if (other != 0)
                {
                    Check((byte*)other);
                    Free(random, (byte*)other);
                }
            }
        }
        catch (Exception e)
        {
            Volatile.Write(ref _fault, e);
        }
    }

    /// <summary>Trims, counts and validates until the end.</summary>
    public void Inspect()
    {
        try
        {
            for (int i = 0; !Volatile.Read(ref _isOver); i++)
            {
                NativeHeapStatistics statistics = heap.GetStatistics();
                Require(statistics.LiveBlocks >= 0 && statistics.InUse <= statistics.Reserved && statistics.Cached <= statistics.Held, $"Impossible figures: {statistics}");
                time?.Advance(Upkeep.Interval);
                if (i % 4 == 0)
                {
                    heap.Validate();
                    _ = heap.Trim();
                }

                _ = Thread.Yield();
            }
        }
        catch (Exception e)
        {
            Volatile.Write(ref _fault, e);
        }
    }

    public void End() => Volatile.Write(ref _isOver, true);

    public void FreeAll()
    {
        foreach (ref nint place in _places.AsSpan())
        {
            if (place != 0)
            {
                Check((byte*)place);
                heap.Free((void*)place);
                place = 0;
            }
        }
    }

    private nuint SizeOf(SeededRandom random) => sizes is not null
        ? (nuint)sizes[random.Below(sizes.Length)]
        : HeaderSize + (nuint)random.Below(random.Below(16) switch { < 10 => 200, < 14 => 4_000, 14 => 40_000, _ => 300_000 });

    private nint Allocate(SeededRandom random)
    {
        nuint size = SizeOf(random);
        void* block;
        switch (random.Below(4))
        {
            case 0:
                try
                {
                    block = heap.AllocateZeroed(size);
                }
                catch (OutOfMemoryException)
                {
                    return 0;
                }

                Require(Pattern.IsZero(block, heap.GetSize(block)), "A zeroed block is not zero.");
                break;
            case 1:
                try
                {
                    block = heap.AllocateAligned(size, 256);
                }
                catch (OutOfMemoryException)
                {
                    return 0;
                }

                Require((nuint)block % 256 == 0, "An aligned block is not.");
                break;
            default:
                _ = heap.TryAllocate(size, out block);
                break;
        }

        if (block is null)
        {
            return 0;
        }

        _ = Interlocked.Increment(ref _allocations);
        return Write((byte*)block, size, random.Below(int.MaxValue));
    }

    private nint Resize(byte* block, nuint size, int number)
    {
        try
        {
            var moved = (byte*)heap.Reallocate(block, size);
            _ = Interlocked.Add(ref _allocations, moved == block ? 0 : 1);
            return Write(moved, size, number);
        }
        catch (OutOfMemoryException)
        {
            Check(block);
            return (nint)block;
        }
    }

    private void Free(SeededRandom random, byte* block)
    {
        if (random.Below(2) == 0)
        {
            heap.Free(block);
        }
        else
        {
            heap.Free(block, *(nuint*)block & uint.MaxValue);
        }
    }

    private static nint Write(byte* block, nuint size, int number)
    {
        *(int*)block = (int)size;
        Pattern.Write(block + sizeof(int), size - sizeof(int), number);
        return (nint)block;
    }

    private static void Check(byte* block)
    {
        nuint size = (nuint)(*(int*)block);
        Require(size >= HeaderSize && Pattern.Holds(block + sizeof(int), size - sizeof(int), *(int*)(block + sizeof(int))), "Somebody has written into a block.");
    }

    private static void Require(bool condition, string complaint)
    {
        if (!condition)
        {
            throw new InvalidOperationException(complaint);
        }
    }
}
