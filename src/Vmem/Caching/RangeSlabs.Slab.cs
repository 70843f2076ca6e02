using System.Numerics;
using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Caching;

/// <summary>The record of one slab.</summary>
internal sealed unsafe partial class RangeSlabs<T>
{
    /// <summary>One slab: where it is, and which of its ranges are free.</summary>
    private struct Slab
    {
        private const int Words = 4;

        public T Start;
        public uint Tag;
        public uint Next;                         // in the list of its class, or of unused numbers
        public uint Previous;
        public byte Class;
        public ushort Ranges;
        public ushort FreeRanges;
        private FreeMap _free;                    // one bit for each range

        [InlineArray(Words)]
        private struct FreeMap
        {
            private ulong _first;
        }

        public readonly bool IsFree(int range) => (_free[range >> 6] & (1ul << range)) != 0;

        public void Fill(int ranges)
        {
            Invariant.Assert(ranges > 0 && ranges <= Words * 64, "a slab has as many ranges as its bit map has bits, or fewer");
            Ranges = FreeRanges = (ushort)ranges;
            for (int range = 0; range < ranges; range++)
            {
                _free[range >> 6] |= 1ul << range;
            }
        }

        public int TakeFirst()
        {
            Invariant.Assert(FreeRanges > 0, "a slab that gives a range has one");
            int word = 0;
            while (_free[word] == 0)
            {
                word++;
            }

            int bit = BitOperations.TrailingZeroCount(_free[word]);
            _free[word] &= _free[word] - 1;
            FreeRanges--;
            return (word << 6) + bit;
        }

        public void Put(int range)
        {
            Invariant.Assert(range < Ranges && !IsFree(range), "a range that comes back was out");
            _free[range >> 6] |= 1ul << range;
            FreeRanges++;
        }

        /// <summary>Shortens the slab by its last range, and says whether that was free.</summary>
        public bool DropLast()
        {
            Invariant.Assert(Ranges > 0, "a slab that is shortened has a range");
            int last = --Ranges;
            bool free = IsFree(last);
            if (free)
            {
                _free[last >> 6] &= ~(1ul << last);
                FreeRanges--;
            }

            return free;
        }

        public readonly int CountFree()
        {
            int count = 0;
            for (int word = 0; word < Words; word++)
            {
                count += BitOperations.PopCount(_free[word]);
            }

            return count;
        }
    }
}
