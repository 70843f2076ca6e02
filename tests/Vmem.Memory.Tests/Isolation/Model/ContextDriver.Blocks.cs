using System.Buffers;
using Vmem.Testing.Driving;

namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>Steps that allocate, resize and free.</summary>
internal sealed unsafe partial class ContextDriver
{
    private void Allocate(in ContextStep step, int index)
    {
        ClientUnderTest client = _clients[index];
        ModelClient model = _model.Clients[index];
        AllocationCall call = (AllocationCall)(step.Flavor % 6);
        nuint alignment = call == AllocationCall.AllocateAligned
            ? nuint.Min((nuint)1 << (step.Flavor / 6 % 14), (nuint)_layout.BlockSize)
            : 1;
        // An empty span has no block.
        nuint size = (nuint)(call is AllocationCall.AllocateSpan or AllocationCall.Rent ? Math.Max(1, step.Size) : step.Size);
        nuint footprint = _model.FootprintOf(size, alignment);
        MemoryClientStatistics before = client.Statistics;
        nint address;
        IMemoryOwner<byte>? owner;
        try
        {
            address = client.Allocate(call, size, alignment, out owner);
            Require(address != 0 || call == AllocationCall.TryAllocate, $"{call} returned null.");
        }
        catch (ClientExhaustedException refusal)
        {
            Require(call != AllocationCall.TryAllocate, "TryAllocate threw for want of room.");
            CheckRefusal(refusal, model, footprint);
            Agree("QuotaExceeded", IsOverQuota(model, footprint), refusal.QuotaExceeded);
            address = 0;
            owner = null;
        }

        MemoryClientStatistics after = client.Statistics;
        if (address == 0)
        {
            CheckRefused(model, footprint);
            Agree("Failures", before.Failures + 1, after.Failures);
            Agree("Allocations", before.Allocations, after.Allocations);
            Count(IsOverQuota(model, footprint) ? "refused by the quota" : _model.IsLarge(footprint) ? "refused for want of room, large" : "refused for want of room");
            return;
        }

        Count(_model.IsLarge(footprint) ? "allocated large" : "allocated");

        Agree("Allocations", before.Allocations + 1, after.Allocations);
        Agree("Failures", before.Failures, after.Failures);
        Require(owner is null || owner.Memory.Length == (int)size, $"Rent({size}) has {owner?.Memory.Length} bytes.");
        Require((nuint)address % alignment == 0, $"{address:X} is no multiple of {alignment}.");
        ModelBlock block = Adopt(model, address, client.GetSize(address), footprint, owner);
        Require(_model.IsUsableRight(size, block.Usable, footprint), $"GetSize of a block of {size} bytes is {block.Usable}, its rounded size {footprint}.");
        CheckFresh(block, call == AllocationCall.AllocateZeroed);
        Fill(block);
    }

    private void Free(int index, ModelBlock block)
    {
        MemoryClientStatistics before = _clients[index].Statistics;
        if (block.Owner is not null)
        {
            block.Owner.Dispose();
            block.Owner.Dispose();
            AgreeThrows<ObjectDisposedException>("a disposed owner's memory", () => _ = block.Owner.Memory.Span[0]);
        }
        else
        {
            _clients[index].Free(block.Address);
        }

        Agree("Frees", before.Frees + 1, _clients[index].Statistics.Frees);
        Forget(block);
        CheckErased(block.Address, block.Usable);
    }

    private void Reallocate(in ContextStep step, int index, ModelBlock block)
    {
        ModelClient model = _model.Clients[index];
        nuint footprint = _model.FootprintOf((nuint)step.Size);
        nint address;
        try
        {
            address = _clients[index].Reallocate(block.Address, (nuint)step.Size);
        }
        catch (ClientExhaustedException refusal)
        {
            CheckRefusal(refusal, model, footprint);
            Require(footprint > block.Footprint, "A smaller size was refused.");
            // A quota that covers either block, but not both at once, may refuse the move.
            CheckRefused(model, footprint);
            Count("reallocation refused");
            return;
        }

        Count(address == block.Address ? "reallocated in place" : "reallocated elsewhere");

        // The peak may include both blocks.
        nuint peak = _clients[index].Statistics.PeakInUse;
        Require(peak <= nuint.Max(model.Peak, model.InUse + footprint), $"{block} was reallocated to {footprint} bytes, and the peak is {peak}.");
        model.Peak = nuint.Max(model.Peak, peak);
        Forget(block, isStale: address != block.Address);
        Settle(index, block, address, step.Size, footprint);
    }

    private void Resize(in ContextStep step, int index, ModelBlock block)
    {
        nuint footprint = _model.FootprintOf((nuint)step.Size);
        MemoryClientStatistics before = _clients[index].Statistics;
        if (!_clients[index].TryResize(block.Address, (nuint)step.Size))
        {
            Require(footprint > block.Footprint, $"{block} could not be resized to {step.Size} bytes, which it has.");
            bool mustGrow = _model.CanGrow(block, footprint) && !IsOverQuota(block.Client, footprint - block.Footprint)
                && (!_model.IsLarge(footprint) || IsHeldByNobody(block.End, block.Address + (nint)footprint));
            Require(!mustGrow, $"{block} could not be resized to {step.Size} bytes, and what is behind it is free.");
            Count("not resized");
            Agree("the client after a refused resize", before, _clients[index].Statistics with { Failures = before.Failures });
            return;
        }

        Count("resized", footprint != block.Footprint);
        Forget(block, isStale: false);
        Settle(index, block, block.Address, step.Size, footprint);
    }

    /// <summary>A block has a new size, perhaps a new place.</summary>
    private void Settle(int index, ModelBlock block, nint address, int size, nuint footprint)
    {
        ModelClient model = _model.Clients[index];
        nuint taken = _clients[index].Client.InUse - model.InUse;
        // A large block that shrinks where it lies may keep a region of its own.
        bool isLegal = taken == footprint
            || (address == block.Address && _model.IsLarge(block.Footprint) && taken == (nuint)_layout.BlockSize && taken >= footprint);
        Require(isLegal, $"{block} was resized to {size} bytes and takes {taken}; it should take {footprint}.");
        ModelBlock resized = Adopt(model, address, _clients[index].GetSize(address), taken, null);
        resized.WasLarge = address == block.Address && (block.WasLarge || _model.IsLarge(block.Footprint));
        Require(_model.IsUsableRight((nuint)size, resized.Usable, taken), $"GetSize of {resized}, resized to {size} bytes, is {resized.Usable}.");
        CheckKept(resized, block, nuint.Min((nuint)size, block.Usable));
        Fill(resized);
        Require(model.Quota == 0 || model.InUse <= model.Quota, $"{model.Name} uses {model.InUse} of its quota of {model.Quota}.");
    }

    private ModelBlock Adopt(ModelClient model, nint address, nuint usable, nuint footprint, IMemoryOwner<byte>? owner)
    {
        ModelBlock block = new(model, address, usable, footprint) { Phase = _phases++, Owner = owner };
        model.Blocks.Add(block);
        model.Peak = nuint.Max(model.Peak, model.InUse);
        Require(model.Quota == 0 || model.InUse <= model.Quota, $"{model.Name} uses {model.InUse} of its quota of {model.Quota}.");
        if (_model.FaultOf(block) is { } fault)
        {
            throw new DivergenceException($"{block} {fault}.");
        }

        return block;
    }

    private static void Forget(ModelBlock block, bool isStale = true)
    {
        block.Client.Blocks.Remove(block);
        if (isStale)
        {
            block.Client.Stale.Add(block.Address);
            block.Client.Stale.RemoveRange(0, Math.Max(0, block.Client.Stale.Count - StaleKept));
        }
    }

    private static void Fill(ModelBlock block) =>
        ClientPattern.Of(block.Client.Tag, block.Phase, block.Usable).CopyTo(new Span<byte>((void*)block.Address, (int)block.Usable));

    private void CheckRefusal(ClientExhaustedException refusal, ModelClient model, nuint footprint)
    {
        Agree("the refusal's client", model.Name, refusal.ClientName);
        Agree("the refusal's quota", model.Quota, refusal.Quota);
        Agree("the refusal's InUse", model.InUse, refusal.InUse);
        Agree("the refusal's request", footprint, refusal.Requested);
        Require(refusal.Message.Contains(model.Name, StringComparison.Ordinal), $"The refusal does not name the client: {refusal.Message}");
        Require(!refusal.QuotaExceeded || IsOverQuota(model, footprint), "The quota was not exceeded.");
        Agree("the refusal's ContextFree", _context.GetStatistics().Free, refusal.ContextFree);
    }

    private void CheckRefused(ModelClient model, nuint footprint) =>
        Require(
            IsOverQuota(model, footprint) || _model.RoomFor(model, footprint, HolderOf) != Room.Surely,
            $"{model.Name} was refused {footprint} bytes, and there is room; it uses {model.InUse} of its quota of {model.Quota}.");

    private bool IsHeldByNobody(nint start, nint end)
    {
        for (nint at = start; at < end; at += _layout.BlockSize)
        {
            if (HolderOf(at) is not null)
            {
                return false;
            }
        }

        return true;
    }

    private ModelClient? HolderOf(nint address) =>
        _context.TryGetClient((void*)address, out MemoryClient? holder)
            ? _model.Clients[_clients.FindIndex(client => client.Client == holder)]
            : null;

    private static bool IsOverQuota(ModelClient model, nuint footprint) => model.Quota != 0 && model.InUse + footprint > model.Quota;
}
