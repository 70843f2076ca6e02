using System.Numerics;
using System.Runtime.InteropServices;
using Vmem.Checks;

namespace Vmem.Memory.Heap;

/// <summary>The record of a granule of the <see cref="StarterArena"/>: which parts of it are blocks, and where these start.</summary>
/// <remarks>
/// Two bits for each 8 bytes, apart from the pages. A block is the lowest part that is long enough and lies as it must: so blocks stay
/// together, and the rest of the granule is not touched. Rejected: an <see cref="Arena{T}"/> over the granules. It has 32 bytes for each
/// block, and a heap that is made, used a little and disposed of took twice the time.
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct StarterGranule
{
    /// <summary>What blocks start at multiples of, and are multiples of.</summary>
    public const int Quantum = 8;

    private const int Quanta = (int)HeapSpace.Granule / Quantum;
    private const int Words = Quanta / 64;

    public nuint Start;
    public StarterGranule* Next;                  // in the arena's list
    public StarterGranule* Previous;
    public int Blocks;
    private int _first;                           // no quantum in a word before it is free
    private int _longest;                         // no free part is longer, in quanta
    private fixed ulong _held[Words];
    private fixed ulong _starts[Words];

    /// <summary>Makes a record that of a granule without a block.</summary>
    public static void Initialize(StarterGranule* granule, nuint start)
    {
        Invariant.Assert((start & (HeapSpace.Granule - 1)) == 0, "a granule is aligned");
        NativeMemory.Clear(granule, (nuint)sizeof(StarterGranule));
        granule->Start = start;
        granule->_longest = Quanta;
    }

    /// <summary>Takes a block: the lowest place that will do; 0 if there is none. O(free parts).</summary>
    /// <param name="granule">The granule.</param>
    /// <param name="size">A multiple of <see cref="Quantum"/>.</param>
    /// <param name="alignment">A power of two, at least the quantum and at most a granule.</param>
    public static nuint Take(StarterGranule* granule, nuint size, nuint alignment)
    {
        Invariant.Assert(size > 0 && size % Quantum == 0 && alignment is >= Quantum and <= HeapSpace.Granule, "a block is whole quanta");
        int wanted = (int)size / Quantum;
        if (wanted > granule->_longest)
        {
            return 0;
        }

        int mask = ((int)alignment / Quantum) - 1;
        int longest = 0;
        int lowest = NextOf(granule->_held, granule->_first * 64, isSet: false);
        granule->_first = lowest / 64;
        for (int free = lowest; free < Quanta;)
        {
            int end = NextOf(granule->_held, free, isSet: true);
            int first = (free + mask) & ~mask;
            if (end - first >= wanted)
            {
                Set(granule->_held, first, wanted, value: true);
                Set(granule->_starts, first, 1, value: true);
                granule->Blocks++;
                return granule->Start + (nuint)(first * Quantum);
            }

            longest = Math.Max(longest, end - free);
            free = NextOf(granule->_held, end, isSet: false);
        }

        granule->_longest = longest;
        return 0;
    }

    /// <summary>The block that an address of the granule is in; false if it is in none.</summary>
    public static bool TryFind(StarterGranule* granule, nuint address, out nuint start, out nuint size)
    {
        int at = (int)(address - granule->Start) / Quantum;
        int first = IsSet(granule->_held, at) ? LastOf(granule->_starts, at) : -1;
        start = granule->Start + (nuint)(Math.Max(first, 0) * Quantum);
        size = first < 0 ? 0 : (nuint)(EndOf(granule, first) - first) * Quantum;
        return first >= 0;
    }

    /// <summary>Takes a block back. False, and nothing is changed, if none starts there.</summary>
    public static bool TryFree(StarterGranule* granule, nuint block, out nuint size)
    {
        int first = (int)(block - granule->Start) / Quantum;
        size = 0;
        if (block % Quantum != 0 || !IsSet(granule->_starts, first))
        {
            return false;
        }

        int end = EndOf(granule, first);
        Invariant.Assert(granule->Blocks > 0 && end > first, "a block that comes back is there");
        Set(granule->_starts, first, 1, value: false);
        Set(granule->_held, first, end - first, value: false);
        size = (nuint)(end - first) * Quantum;
        granule->Blocks--;
        granule->_first = Math.Min(granule->_first, first / 64);
        int free = NextOf(granule->_held, end, isSet: true) - LastOf(granule->_held, first) - 1;
        granule->_longest = Math.Max(granule->_longest, free);
        return true;
    }

    /// <summary>Checks what the record says. Returns how many bytes are in blocks.</summary>
    public static nuint Validate(StarterGranule* granule)
    {
        int held = 0;
        int blocks = 0;
        for (int word = 0; word < Words; word++)
        {
            ulong starts = granule->_starts[word];
            Invariant.Hold((starts & ~granule->_held[word]) == 0, "where a block starts it is held", $"{starts} has others");
            Invariant.Hold(word >= granule->_first || ~granule->_held[word] == 0, "what lies before the first free part is held", $"{word} is not");
            held += BitOperations.PopCount(granule->_held[word]);
            blocks += BitOperations.PopCount(starts);
        }

        Invariant.Hold(blocks == granule->Blocks, "a granule counts its blocks", $"{blocks} are not {granule->Blocks}");
        return (nuint)held * Quantum;
    }

    /// <summary>Where a block ends: where the next one starts, or nothing is held any more.</summary>
    private static int EndOf(StarterGranule* granule, int first) =>
        Math.Min(NextOf(granule->_starts, first + 1, isSet: true), NextOf(granule->_held, first, isSet: false));

    private static bool IsSet(ulong* bits, int at) => (bits[at >> 6] >> at & 1) != 0;

    /// <summary>The first bit from one on that is set, or that is not; the one behind the last if there is none.</summary>
    private static int NextOf(ulong* bits, int at, bool isSet)
    {
        ulong flip = isSet ? 0 : ulong.MaxValue;
        for (int word = at >> 6; word < Words; word++)
        {
            ulong found = (bits[word] ^ flip) & (word == at >> 6 ? ulong.MaxValue << at : ulong.MaxValue);
            if (found != 0)
            {
                return (word * 64) + BitOperations.TrailingZeroCount(found);
            }
        }

        return Quanta;
    }

    /// <summary>The last bit up to one that is set; −1 if there is none.</summary>
    private static int LastOf(ulong* bits, int at)
    {
        for (int word = at >> 6; word >= 0; word--)
        {
            ulong found = bits[word] & (word == at >> 6 ? ulong.MaxValue >> (63 - (at & 63)) : ulong.MaxValue);
            if (found != 0)
            {
                return (word * 64) + BitOperations.Log2(found);
            }
        }

        return -1;
    }

    private static void Set(ulong* bits, int first, int count, bool value)
    {
        int end = first + count;
        for (int word = first >> 6; word <= (end - 1) >> 6; word++)
        {
            ulong mask = word == first >> 6 ? ulong.MaxValue << first : ulong.MaxValue;
            mask &= word == end >> 6 ? ~(ulong.MaxValue << end) : ulong.MaxValue;
            bits[word] = value ? bits[word] | mask : bits[word] & ~mask;
        }
    }
}
