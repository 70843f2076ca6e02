using System.Runtime.CompilerServices;
using Vmem.Benchmarks.Baselines;

namespace Vmem.Benchmarks.Blocks;

/// <summary>The floor under allocation and deletion: a region that only moves a pointer, and frees nothing but all.</summary>
internal readonly unsafe struct RegionBlocks : IBlocks<RegionBlocks, NativeBlock>
{
    private const int Chunks = 1_024;

    private readonly ChunkStock _stock;
    private readonly BumpRegion _region;
    private readonly bool _ownsStock;

    private RegionBlocks(ChunkStock stock, bool ownsStock)
    {
        _stock = stock;
        _region = new BumpRegion(stock);
        _ownsStock = ownsStock;
    }

    public static RegionBlocks Make() => new(new ChunkStock(Chunks), ownsStock: true);

    public static bool IsOneForAll => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public NativeBlock Allocate(nuint size) => new(_region.Allocate(size));

    public void Free(NativeBlock block)
    {
    }

    public RegionBlocks MakeSpace() => new(_stock, ownsStock: false);

    public void Dispose()
    {
        _region.Drop();
        if (_ownsStock)
        {
            _stock.Dispose();
        }
    }
}
