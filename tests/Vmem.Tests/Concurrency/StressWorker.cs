using Vmem.Testing.Generation;

namespace Vmem.Tests.Concurrency;

/// <summary>One thread's share of a stress test: random calls of every kind, each range marked with the worker's number in an array that
/// all workers share.</summary>
internal sealed class StressWorker(Arena<uint> arena, int[] owners, int id)
{
    private const int MaxRanges = 200;

    private readonly SeededRandom _random = new((ulong)id);
    private readonly List<(uint Start, uint Size, RangeHandle<uint> Handle)> _ranges = [];

    public long Allocations { get; private set; }

    public long Ranges => _ranges.Count;

    public long Held => _ranges.Sum(range => range.Size);

    public void Work(int rounds)
    {
        for (int i = 0; i < rounds; i++)
        {
            int draw = _random.Below(100);
            if (draw < 50 && _ranges.Count < MaxRanges)
            {
                Allocate((uint)(1 + _random.Below(32)));
            }
            else if (draw < 55)
            {
                AllocateMany();
            }
            else if (_ranges.Count > 0)
            {
                int index = _random.Below(_ranges.Count);
                if (draw < 62)
                {
                    Resize(index);
                }
                else
                {
                    FreeAt(index);
                }
            }
        }
    }

    public void FreeAll()
    {
        while (_ranges.Count > 0)
        {
            FreeAt(_ranges.Count - 1);
        }
    }

    private void Allocate(uint size)
    {
        switch (_random.Below(3))
        {
            case 0 when arena.TryAllocate(size, out uint start):
                Take(start, size, default);
                break;
            case 1 when arena.TryAllocateConstrained(
                size,
                new() { Align = 1u << _random.Below(6) },
                (FitPolicy)_random.Below(7),
                out uint start):
                Take(start, size, default);
                break;
            case 2 when arena.TryAllocateHandle(size, out RangeHandle<uint> handle):
                Take(handle.Start, size, handle);
                break;
        }
    }

    private void AllocateMany()
    {
        Span<uint> starts = stackalloc uint[4];
        if (_ranges.Count + starts.Length <= MaxRanges)
        {
            foreach (uint start in starts[..arena.TryAllocateMany(8, starts)])
            {
                Take(start, 8, default);
            }
        }
    }

    private void Take(uint start, uint size, RangeHandle<uint> handle)
    {
        Mark(start, size, 0, id);
        _ranges.Add((start, size, handle));
        Allocations++;
    }

    private void Resize(int index)
    {
        (uint start, uint size, RangeHandle<uint> handle) = _ranges[index];
        uint wanted = (uint)(1 + _random.Below(40));
        if (handle != default)
        {
            return;
        }

        if (wanted < size)
        {
            // The mark goes first: what is given up may be another's at once.
            Mark(start + wanted, size - wanted, id, 0);
        }

        if (arena.TryExtend(start, size, wanted))
        {
            if (wanted > size)
            {
                Mark(start + size, wanted - size, 0, id);
            }

            _ranges[index] = (start, wanted, handle);
        }
    }

    private void FreeAt(int index)
    {
        (uint start, uint size, RangeHandle<uint> handle) = _ranges[index];
        _ranges[index] = _ranges[^1];
        _ranges.RemoveAt(_ranges.Count - 1);
        Mark(start, size, id, 0);
        if (handle != default && _random.Below(2) == 0)
        {
            arena.Free(handle);
        }
        else
        {
            arena.Free(start, size);
        }
    }

    private void Mark(uint start, uint size, int from, int to)
    {
        for (uint unit = start; unit < start + size; unit++)
        {
            int owner = Interlocked.CompareExchange(ref owners[unit], to, from);
            if (owner != from)
            {
                throw new InvalidOperationException($"Unit {unit} belongs to {owner} while {id} turns it from {from} to {to}.");
            }
        }
    }
}
