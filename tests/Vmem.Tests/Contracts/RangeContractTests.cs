using Vmem.Testing.Contracts;

namespace Vmem.Tests.Contracts;

/// <summary>A buddy allocator over an odd range, by the contract of all allocators of ranges.</summary>
public class BuddyRangeContractTests : RangeAllocatorContract
{
    protected override IRangeAllocator Create() => new Adapter();

    private sealed class Adapter : IRangeAllocator
    {
        private const int Units = 1_237;          // 1,024 + 128 + 64 + 16 + 4 + 1
        private const uint MinBlock = 4;
        private const uint MaxBlock = 2_048;
        private readonly BuddyAllocator<uint> _allocator = new(1_003, (Units * MinBlock) + 3, MinBlock, MaxBlock);

        public long First => _allocator.Start;

        public long Last => First + (Units * MinBlock) - 1;

        public long LargestFree => _allocator.GetStatistics().LargestFree;

        public bool TryAllocate(long size, out long start)
        {
            bool done = _allocator.TryAllocate((uint)size, out uint value);
            start = value;
            return done;
        }

        public void Free(long start, long size) => _allocator.Free((uint)start);

        public long Rounded(long size)
        {
            long block = MinBlock;
            while (block < size)
            {
                block *= 2;
            }

            return block;
        }

        /// <summary>Some multiple of the block's size, counted from the start, lies in none of the live ranges.</summary>
        public bool CouldFit(long size, IReadOnlyList<(long Start, long Size)> live)
        {
            long block = Rounded(size);
            for (long start = First; block <= MaxBlock && start + block - 1 <= Last; start += block)
            {
                if (live.All(range => range.Start + range.Size <= start || start + block <= range.Start))
                {
                    return true;
                }
            }

            return false;
        }

        public void Validate() => _allocator.Validate();
    }
}

/// <summary>An arena, by the same contract.</summary>
public sealed class ArenaRangeContractTests : RangeAllocatorContract, IDisposable
{
    private const uint Quantum = 4;
    private readonly List<Arena<uint>> _arenas = [];

    public void Dispose() => _arenas.ForEach(arena => arena.Dispose());

    protected override IRangeAllocator Create()
    {
        _arenas.Add(new Arena<uint>("contract", 1_000, 4_936, Quantum));
        return new Adapter(_arenas[^1]);
    }

    private sealed class Adapter(Arena<uint> arena) : IRangeAllocator
    {
        public long First => 1_000;

        public long Last => 5_935;

        public long LargestFree => arena.GetStatistics().LargestFree;

        public bool TryAllocate(long size, out long start)
        {
            bool done = arena.TryAllocate((uint)size, out uint value);
            start = value;
            return done;
        }

        public void Free(long start, long size) => arena.Free((uint)start, (uint)size);

        public long Rounded(long size) => (size + Quantum - 1) / Quantum * Quantum;

        /// <summary>There is a gap that is long enough.</summary>
        public bool CouldFit(long size, IReadOnlyList<(long Start, long Size)> live)
        {
            long from = First;
            foreach ((long start, long length) in live)
            {
                if (start - from >= Rounded(size))
                {
                    return true;
                }

                from = start + length;
            }

            return Last + 1 - from >= Rounded(size);
        }

        public void Validate() => arena.Validate();
    }
}
