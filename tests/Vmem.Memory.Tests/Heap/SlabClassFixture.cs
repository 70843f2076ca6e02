using Vmem.Memory.Heap;
using Vmem.Memory.Tests.Window;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>The slabs of one class, without a heap above them.</summary>
public abstract unsafe class SlabClassFixture : IDisposable
{
    private protected const int Size = 4_096;

    protected SlabClassFixture()
    {
        Space = new HeapSpace(Own.Window, "class", limit: 0, huge: false);
        Slabs = new SlabClass(Space, Own.Window.States, Records, SizeClasses.Of(Size));
    }

    private protected static SlabGeometry Geometry { get; } = new(SizeClasses.Of(Size));

    private protected static int Capacity => Geometry.Capacity;

    private protected OwnWindow Own { get; } = new();

    private protected SlabRecords Records { get; } = new();

    private protected HeapSpace Space { get; }

    private protected SlabClass Slabs { get; }

    public void Dispose()
    {
        Slabs.Dispose();
        Space.Dispose();
        Records.Dispose();
        Own.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Two threads have magazines. Returns how many blocks lie in the exchange and the depot.</summary>
    private protected int FillExchangeAndDepot()
    {
        Slabs.NoteThread(isNew: false);
        Slabs.NoteThread(isNew: true);
        Assert.Equal(0u, Slabs.Give(Take(1)));
        Assert.Equal((0, 0), (Slabs.Count().Slabs, Slabs.Count().InDepot));
        Slabs.NoteThread(isNew: true);
        int rounds = SizeClasses.Rounds(SizeClasses.Of(Size));
        nuint[] blocks = Take(20 * rounds);
        Assert.Equal(20 * rounds, blocks.Length);
        foreach (nuint[] batch in blocks.Chunk(rounds))
        {
            Assert.Equal(0u, Slabs.Give(batch));
        }

        Assert.Equal((blocks.Length, blocks.Length), (Slabs.Count().InDepot, Slabs.Count().BlocksOut));
        return blocks.Length;
    }

    private protected nuint[][] TakeSlabs(int count)
    {
        nuint[][] slabs = [.. Take(count * Capacity).Chunk(Capacity)];
        Assert.All(slabs, slab => Assert.Equal(slab[0] + Geometry.Bytes, slab[^1] + Size));
        return slabs;
    }

    private protected nuint[] Take(int count)
    {
        nuint[] blocks = new nuint[count];
        int taken = 0;
        for (int more = 1; more > 0 && taken < count; taken += more)
        {
            more = Slabs.Take(blocks.AsSpan(taken), count - taken);
        }

        return blocks[..taken];
    }

    private protected void GiveBack(params nuint[] blocks) => Assert.Equal(0u, Slabs.GiveBack(blocks));

    private protected void Check(int slabs, int blocksOut)
    {
        (long seen, nuint bytes, long seenOut, int inDepot) = Slabs.Count();
        Assert.Equal((slabs, (nuint)slabs * Geometry.Bytes, blocksOut, 0), (seen, bytes, seenOut, inDepot));
        Slabs.Validate([]);
    }
}
