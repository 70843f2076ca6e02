using System.Runtime.InteropServices;
using Vmem.Memory.Heap;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>The record of a granule of the starter arena, against a naive one. It has no pages.</summary>
public sealed unsafe class StarterGranuleTests : IDisposable
{
    private const nuint Start = 1u << 30;
    private const int Quantum = StarterGranule.Quantum;
    private const int Quanta = (int)HeapSpace.Granule / Quantum;

    private readonly StarterGranule* _granule = (StarterGranule*)NativeMemory.Alloc((nuint)sizeof(StarterGranule));
    private readonly bool[] _held = new bool[Quanta];
    private readonly Dictionary<int, int> _blocks = [];           // their lengths by where they start, in quanta

    public StarterGranuleTests() => StarterGranule.Initialize(_granule, Start);

    public void Dispose() => NativeMemory.Free(_granule);

    [Theory]
    [InlineData(1, 64, 1)]
    [InlineData(2, 400, 1)]
    [InlineData(3, 4_096, 20)]
    [InlineData(4, 300, 64)]
    public void A_block_is_the_lowest_part_that_will_do(ulong seed, int longest, int alignments)
    {
        SeededRandom random = new(seed);
        (int taken, int refused) = (0, 0);
        for (int i = 0; i < 3_000; i++)
        {
            bool isFilling = i / 500 % 2 == 0;
            if (_blocks.Count > 0 && random.Below(10) < (isFilling ? 3 : 7))
            {
                CheckFree(_blocks.Keys.ElementAt(random.Below(_blocks.Count)));
            }
            else
            {
                bool isThere = CheckTake(1 + random.Below(longest), 1 << random.Below(1 + int.Log2(alignments)));
                taken += isThere ? 1 : 0;
                refused += isThere ? 0 : 1;
            }

            CheckFind(random.Below(Quanta), random.Below(Quantum));
        }

        Assert.True(taken > 200 && refused > (longest > 64 ? 10 : -1), $"{taken} were taken, {refused} refused");
        Assert.Equal((nuint)_held.Count(static held => held) * Quantum, StarterGranule.Validate(_granule));
        foreach (int first in _blocks.Keys.ToArray())
        {
            CheckFree(first);
        }

        Assert.Equal(Start, StarterGranule.Take(_granule, HeapSpace.Granule, HeapSpace.Granule));
        Assert.Equal(0u, StarterGranule.Take(_granule, Quantum, Quantum));
    }

    private bool CheckTake(int length, int alignment)
    {
        int first = 0;
        while (first + length <= Quanta && _held.AsSpan(first, length).Contains(true))
        {
            first += alignment;
        }

        bool fits = first + length <= Quanta;
        nuint taken = StarterGranule.Take(_granule, (nuint)(length * Quantum), (nuint)(alignment * Quantum));
        Assert.Equal(fits ? Start + (nuint)(first * Quantum) : 0, taken);
        if (fits)
        {
            _held.AsSpan(first, length).Fill(true);
            _blocks.Add(first, length);
        }

        Assert.Equal(_blocks.Count, _granule->Blocks);
        return fits;
    }

    private void CheckFree(int first)
    {
        nuint block = Start + (nuint)(first * Quantum);
        int length = _blocks[first];
        Assert.False(StarterGranule.TryFree(_granule, block + 1, out _));
        Assert.False(length > 1 && StarterGranule.TryFree(_granule, block + Quantum, out _));
        Assert.True(StarterGranule.TryFree(_granule, block, out nuint size) && size == (nuint)(length * Quantum));
        Assert.False(StarterGranule.TryFree(_granule, block, out _));
        _held.AsSpan(first, length).Clear();
        Assert.True(_blocks.Remove(first));
        Assert.Equal(_blocks.Count, _granule->Blocks);
    }

    private void CheckFind(int quantum, int into)
    {
        int first = quantum;
        while (first >= 0 && !_blocks.ContainsKey(first))
        {
            first--;
        }

        bool isHeld = first >= 0 && quantum < first + _blocks[first];
        bool isFound = StarterGranule.TryFind(_granule, Start + (nuint)((quantum * Quantum) + into), out nuint start, out nuint size);
        Assert.Equal(isHeld, isFound);
        if (isHeld)
        {
            Assert.Equal((Start + (nuint)(first * Quantum), (nuint)(_blocks[first] * Quantum)), (start, size));
        }
    }
}
