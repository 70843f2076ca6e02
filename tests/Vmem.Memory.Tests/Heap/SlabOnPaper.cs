using System.Numerics;
using System.Runtime.InteropServices;
using Vmem.Memory.Heap;
using Vmem.Testing.Generation;

namespace Vmem.Memory.Tests.Heap;

/// <summary>A slab's record, and the bytes that say which of its blocks are with users; but no pages.</summary>
internal sealed unsafe class SlabOnPaper : IDisposable
{
    public const nuint Start = 1u << 30;

    private readonly SlabGeometry _geometry;
    private readonly Slab* _slab;
    private readonly byte* _states;

    public SlabOnPaper(int size, ulong clean = 0)
    {
        _geometry = new SlabGeometry(SizeClasses.Of((nuint)size));
        _slab = (Slab*)NativeMemory.Alloc(Slab.BytesFor(Capacity));
        _states = (byte*)NativeMemory.AllocZeroed(_geometry.SlotOf(Bytes));
        Slab.Initialize(_slab, Start, Capacity, clean);
    }

    public int Capacity => _geometry.Capacity;

    public nuint Bytes => _geometry.Bytes;

    public nuint Size => (nuint)_geometry.Size;

    public Slab* Record => _slab;

    public ref readonly SlabGeometry Geometry => ref _geometry;

    /// <summary>Which blocks are in the slab.</summary>
    public bool[] Free => [.. Enumerable.Range(0, Capacity).Select(index => !Slab.IsOut(_slab, index))];

    private ReadOnlySpan<ulong> Bits => new(_slab + 1, (Capacity + 63) / 64);

    private Span<byte> State => new(_slab, (int)Slab.BytesFor(Capacity));

    private Span<byte> States => new(_states, (int)_geometry.SlotOf(Bytes));

    /// <summary>One of which some blocks have been out, stretches of these are back, and users have a few.</summary>
    public static SlabOnPaper Draw(SeededRandom random, int size)
    {
        SlabOnPaper slab = new(size);
        slab.Take(random.Below(3) == 0 ? 1 + random.Below(slab.Capacity) : slab.Capacity);
        for (int stretches = random.Below(5); stretches > 0; stretches--)
        {
            int first = random.Below(slab.Capacity);
            int end = Math.Min(first + 1 + random.Below(random.Below(2) == 0 ? 3 : 200), slab.Capacity);
            _ = slab.Give([.. Enumerable.Range(first, end - first).Select(slab.BlockAt).Prepend(slab.BlockAt(0))]);
        }

        for (int users = random.Below(4); users > 0; users--)
        {
            int index = random.Below(slab.Capacity);
            slab._states[slab._geometry.SlotOf((nuint)index * slab.Size)] = (byte)(Slab.IsOut(slab._slab, index) ? 0x81 : 0);
        }

        return slab;
    }

    public nuint[] Take(int count, bool apart = false)
    {
        nuint[] blocks = new nuint[count];
        return blocks[..Slab.Take(_slab, _geometry, blocks, apart)];
    }

    public int GiveRow(nuint[] row) => Slab.GiveRow(_slab, _geometry, _states, row);

    /// <summary>Gives blocks back. Returns a wrong one, and how many are another slab's.</summary>
    public (nuint Wrong, int Left) Give(nuint[] blocks)
    {
        nuint wrong = 0;
        int left = Slab.Give(_slab, _geometry, _states, blocks, ref wrong).Length;
        return (wrong, left);
    }

    public nuint BlockAt(int index) => Start + ((nuint)index * Size);

    public int IndexOf(nuint block) => (int)((block - Start) / Size);

    /// <summary>True for what is none of the blocks that may come back.</summary>
    public bool IsWrong(nuint block) => (block - Start) % Size != 0 || IndexOf(block) >= Capacity || !Slab.IsOut(_slab, IndexOf(block))
        || _states[_geometry.SlotOf(block - Start)] != 0;

    /// <summary>True if its figures agree with its bits: as many are free, and those that are back are found from the hint on.</summary>
    public bool FindsAll()
    {
        int free = _slab->Capacity - _slab->Untouched;
        for (int word = 0; word < Bits.Length; word++)
        {
            free += BitOperations.PopCount(Bits[word]);
            if (word < _slab->Hint && Bits[word] != 0)
            {
                return false;
            }
        }

        return free == _slab->Free;
    }

    public bool HasStateOf(SlabOnPaper other) => State.SequenceEqual(other.State) && States.SequenceEqual(other.States);

    public SlabOnPaper Copy()
    {
        SlabOnPaper copy = new((int)Size);
        State.CopyTo(copy.State);
        States.CopyTo(copy.States);
        return copy;
    }

    public void Dispose()
    {
        NativeMemory.Free(_slab);
        NativeMemory.Free(_states);
    }
}
