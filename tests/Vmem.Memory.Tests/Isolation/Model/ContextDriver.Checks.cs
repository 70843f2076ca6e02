namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>What is compared after each step.</summary>
internal sealed unsafe partial class ContextDriver
{
    private const byte Poison = 0xDD;

    // Arbitrary: each block is asked about at every eighth step.
    private const int BlocksPerQuestion = 8;

    private readonly HashSet<byte> _guardBytes = [];
    private nuint _contextPeak;

    /// <summary>Only the ends are lost to alignment.</summary>
    private void CheckExtent()
    {
        nuint blockSize = (nuint)_layout.BlockSize;
        nint start = (nint)_context.Start;
        Agree("where the context's memory starts within a block", (nuint)0, (nuint)start % blockSize);
        Agree("what the context's size leaves of a block", (nuint)0, _context.Size % blockSize);
        Agree("Alignment", (nuint)_layout.Alignment, _context.Alignment);
        Agree("BlockSize", blockSize, _context.BlockSize);
        Agree("Features", _layout.Features, _context.Features);
        if (_block.GivenStart is var given and not 0)
        {
            nint first = (given + (nint)blockSize - 1) / (nint)blockSize * (nint)blockSize;
            Agree("the context's start", first, start);
            Agree("the context's size", (nuint)(given + _layout.Size - first) / blockSize * blockSize, _context.Size);
        }
    }

    private void CheckAll()
    {
        _context.Validate();
        foreach (ModelBlock block in _model.Blocks)
        {
            CheckContents(block);
        }

        nuint held = 0;
        long regions = 0;
        for (int i = 0; i < _clients.Count; i++)
        {
            MemoryClientStatistics statistics = CheckFigures(i);
            held += statistics.TotalSize;
            regions += statistics.Regions;
        }

        CheckContext(held, regions);
    }

    private void CheckContext(nuint held, long regions)
    {
        MemoryContextStatistics statistics = _context.GetStatistics();
        _contextPeak = nuint.Max(_contextPeak, statistics.PeakInUse);
        Agree("the context's TotalSize", _context.Size, statistics.TotalSize);
        Agree("the context's InUse", held, statistics.InUse);
        Agree("the context's Free", _context.Size - held, statistics.Free);
        Agree("the context's Clients", _clients.Count, statistics.Clients);
        Agree("the context's Regions", regions, statistics.Regions);
        Agree("the context's ClientsCreated", _model.Created, (int)statistics.ClientsCreated);
        Agree("the context's ClientsDeleted", _model.Created - _clients.Count, (int)statistics.ClientsDeleted);
        Agree("the context's peak", _contextPeak, statistics.PeakInUse);
        Require(statistics.PeakInUse >= statistics.InUse && statistics.PeakInUse <= statistics.TotalSize, $"The context's peak is {statistics.PeakInUse}: {statistics}.");
        Require(statistics.LargestFree <= nuint.Min(statistics.Free, _model.LongestFree()), $"The context's largest free piece is {statistics.LargestFree}: {statistics}.");
        Require(statistics.Free == 0 || statistics.LargestFree >= (nuint)_layout.BlockSize, $"The context has no largest free piece: {statistics}.");
        Require(_context.GetClients().Select(client => client.Name).SequenceEqual(_model.Clients.Select(client => client.Name)), "GetClients lists others.");
    }

    private MemoryClientStatistics CheckFigures(int index)
    {
        ModelClient model = _model.Clients[index];
        MemoryClient client = _clients[index].Client;
        MemoryClientStatistics statistics = _clients[index].Statistics;
        Agree("Name", model.Name, statistics.Name);
        Agree("Quota", model.Quota, statistics.Quota);
        Agree($"{model.Name}'s InUse", model.InUse, statistics.InUse);
        Agree($"{model.Name}'s InUse", model.InUse, client.InUse);
        Agree($"{model.Name}'s PeakInUse", model.Peak, statistics.PeakInUse);
        Agree($"{model.Name}'s LiveBlocks", model.Blocks.Count, (int)statistics.LiveBlocks);
        Agree($"{model.Name}'s Allocations - Frees", (long)model.Blocks.Count, statistics.Allocations - statistics.Frees);
        Agree($"{model.Name}'s TotalSize", client.TotalSize, statistics.TotalSize);
        Agree($"{model.Name}'s TotalSize", statistics.TotalSize, statistics.InUse + statistics.Cached + statistics.Free);
        Require(statistics.LargestFree <= statistics.Free, $"{statistics}");
        Require(statistics.TotalSize >= _model.Needed(model) && statistics.TotalSize % (nuint)_layout.BlockSize == 0, $"TotalSize: {statistics}");
        Require(statistics.Cached == 0 == (statistics.CachedBlocks == 0), $"Cached: {statistics}");
        Require(statistics.Regions <= statistics.RegionsTaken && statistics.Regions == 0 == (statistics.TotalSize == 0), $"Regions: {statistics}");
        Require(statistics.InternalWaste is >= 0 and <= 1, $"InternalWaste: {statistics}");
        if (!_model.HasLongRegions)
        {
            Require(statistics.TotalSize <= _model.Needed(model) + (nuint)_layout.BlockSize, $"More than one empty region: {statistics}");
        }

        return statistics;
    }

    private void CheckTrimmed(int index)
    {
        MemoryClientStatistics statistics = _clients[index].Statistics;
        Agree("Cached after Trim", (nuint)0, statistics.Cached);
        if (!_model.HasLongRegions)
        {
            Agree("TotalSize after Trim", _model.Needed(_model.Clients[index]), statistics.TotalSize);
        }
    }

    private void CheckContents(ModelBlock block)
    {
        ModelClient model = block.Client;
        ReadOnlySpan<byte> contents = new((void*)block.Address, (int)block.Usable);
        Require(
            contents.SequenceEqual(ClientPattern.Of(model.Tag, block.Phase, block.Usable)),
            $"{block} is not what its client wrote, from byte {contents.CommonPrefixLength(ClientPattern.Of(model.Tag, block.Phase, block.Usable))} on.");
        if ((block.Phase + _steps) % BlocksPerQuestion == 0)
        {
            CheckOwner(block);
        }
    }

    /// <summary>One address of a block is asked about, by everybody.</summary>
    private void CheckOwner(ModelBlock block)
    {
        ModelClient model = block.Client;
        int index = _model.Clients.IndexOf(model);
        Agree($"GetSize of {block}", block.Usable, _clients[index].GetSize(block.Address));
        nint inside = block.Address + (nint)((nuint)block.Phase % block.Footprint);
        Require(_context.TryGetClient((void*)inside, out MemoryClient? holder) && holder == _clients[index].Client, $"TryGetClient({inside:X}) is {holder?.Name}, not {model.Name}.");
        for (int i = 0; i < _clients.Count; i++)
        {
            Agree($"does {_model.Clients[i].Name} own {inside:X}", i == index, _clients[i].Owns(inside));
        }
    }

    /// <summary>What a block holds before its client writes to it.</summary>
    private void CheckFresh(ModelBlock block, bool isZeroed)
    {
        if (_layout.Has(MemoryContextFeatures.GuardBytes))
        {
            _guardBytes.UnionWith(new ReadOnlySpan<byte>((void*)(block.Address + (nint)block.Usable), 8).ToArray());
        }

        CheckNotOthers(new ReadOnlySpan<byte>((void*)block.Address, (int)block.Usable), block, isZeroed);
    }

    /// <summary>A resized block holds what it held, and behind that nothing of another client.</summary>
    private void CheckKept(ModelBlock resized, ModelBlock before, nuint kept)
    {
        ReadOnlySpan<byte> contents = new((void*)resized.Address, (int)resized.Usable);
        Require(
            contents[..(int)kept].SequenceEqual(ClientPattern.Of(resized.Client.Tag, before.Phase, kept)),
            $"{before} was resized to {resized}, and its first {kept} bytes are not what they were.");
        if (resized.Usable > before.Usable)
        {
            CheckNotOthers(contents[(int)before.Usable..], resized, isZeroed: false);
        }
    }

    private void CheckNotOthers(ReadOnlySpan<byte> fresh, ModelBlock block, bool isZeroed)
    {
        if (isZeroed || _layout.Has(MemoryContextFeatures.ZeroOnAllocate))
        {
            int written = fresh.IndexOfAnyExcept((byte)0);
            Require(written < 0, $"{block} is to be zeroed, and byte {written} of it is not.");
            return;
        }

        bool isPoisoned = _layout.Has(MemoryContextFeatures.PoisonOnFree);
        bool isZeroedOnHandOver = _layout.Has(MemoryContextFeatures.ZeroOnHandOver);
        if (!isPoisoned && !isZeroedOnHandOver && !_layout.Has(MemoryContextFeatures.ZeroOnFree))
        {
            return;
        }

        for (int i = 0; i < fresh.Length; i++)
        {
            byte seen = fresh[i];
            bool isHarmless = seen == 0 || seen >> 4 == block.Client.Tag
                || (isPoisoned && seen == Poison)
                || (!isZeroedOnHandOver && seen == Blocks.CallersBlock.Secret)
                || _guardBytes.Contains(seen);
            Require(isHarmless, $"{block} shows the byte {seen:X2} at {i}, which its client did not write.");
        }
    }

    /// <summary>What is left of a block that was freed.</summary>
    private void CheckErased(nint address, nuint length)
    {
        ReadOnlySpan<byte> left = new((void*)address, (int)length);
        if (_layout.Has(MemoryContextFeatures.ZeroOnFree))
        {
            Require(left.IndexOfAnyExcept((byte)0) < 0, $"{address:X}+{length:X} was freed and is not zeroed.");
        }

        if (_layout.Has(MemoryContextFeatures.PoisonOnFree) && _context.TryGetClient((void*)address, out _))
        {
            Require(left.IndexOfAnyExcept(Poison) < 0, $"{address:X}+{length:X} was freed and is not poisoned.");
        }
    }
}
