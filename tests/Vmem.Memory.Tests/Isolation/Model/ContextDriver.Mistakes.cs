using System.Globalization;

namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>Steps in which a client does what it must not.</summary>
internal sealed unsafe partial class ContextDriver
{
    private void CallWrongly(in ContextStep step, int index)
    {
        nint address = DrawWrongAddress(step, index);
        ModelBlock? hit = _model.Find(address);
        if (address == 0 || (hit?.Client == _model.Clients[index] && hit.Address == address))
        {
            return;
        }

        BlockCall call = (BlockCall)(step.Flavor / 7 % 5);
        string before = Picture();
        InvalidFreeException refusal = AgreeThrows<InvalidFreeException>($"{call}({address:X}) by {_model.Clients[index].Name}", () => _clients[index].Call(call, address));
        Agree("the state after a wrong call", before, Picture());
        Count(refusal.Reason.ToString());
        Agree("the refused address", (UInt128)(nuint)address, refusal.Start);
        Require(
            ReasonsFor(index, address, hit).Contains(refusal.Reason),
            $"{call}({address:X}) by {_model.Clients[index].Name} was refused as {refusal.Reason}: {refusal.Message}");
        Require(
            hit is null || hit.Client == _model.Clients[index] || refusal.Message.Contains(hit.Client.Name, StringComparison.Ordinal),
            $"The block is {hit?.Client.Name}'s, which is not said: {refusal.Message}");
    }

    private nint DrawWrongAddress(in ContextStep step, int index)
    {
        ModelBlock[] own = [.. _model.Clients[index].Blocks];
        ModelBlock[] others = [.. _model.Blocks.Where(block => block.Client != _model.Clients[index])];
        List<nint> stale = _model.Clients[index].Stale;
        nint within = (nint)((nuint)(step.Size + (step.Target << 8)) % _context.Size);
        return (step.Flavor % 7) switch
        {
            0 when own.Length > 0 =>
                own[step.Target % own.Length] is var block ? block.Address + 1 + (nint)((nuint)step.Size % (block.Footprint - 1)) : 0,
            1 when others.Length > 0 => others[step.Target % others.Length].Address,
            2 when others.Length > 0 =>
                others[step.Target % others.Length] is var block ? block.Address + (nint)((nuint)step.Size % block.Footprint) : 0,
            3 => step.Target % 2 == 0 ? _model.Start - 1 - step.Size : _model.Start + (nint)_model.Size + step.Size,
            4 when stale.Count > 0 => stale[step.Target % stale.Count],
            5 => _model.Start + within,
            6 => _model.Start + (within / _layout.Alignment * _layout.Alignment),
            _ => 0,
        };
    }

    private InvalidFreeReason[] ReasonsFor(int index, nint address, ModelBlock? hit)
    {
        if (hit is not null)
        {
            return [hit.Client == _model.Clients[index] ? InvalidFreeReason.InteriorAddress : InvalidFreeReason.OtherOwner];
        }

        return !_context.TryGetClient((void*)address, out MemoryClient? holder)
            ? [InvalidFreeReason.NotAllocated]
            : holder == _clients[index].Client
                ? [InvalidFreeReason.AlreadyFree, InvalidFreeReason.NotAllocated]
                : [InvalidFreeReason.OtherOwner, InvalidFreeReason.NotAllocated];
    }

    /// <summary>Writes one byte past a block: it is found out wherever guards are looked at, and the block stays as it is.</summary>
    private void Overrun(in ContextStep step, int index, ModelBlock block)
    {
        byte* victim = (byte*)(block.Address + (nint)block.Usable) + (step.Flavor % 8);
        byte right = *victim;
        *victim = (byte)(right + 1 + (step.Size % 255));
        string before = Picture();
        InvariantViolationException found = AgreeThrows<InvariantViolationException>($"Validate() while {block} is overrun", _context.Validate);
        RequireNamed(found.Message, block);
        if (block.Owner is null)
        {
            BlockCall call = (step.Target % 4) switch { 0 => BlockCall.Reallocate, 1 => BlockCall.TryResize, _ => BlockCall.Free };
            InvalidFreeException refusal = AgreeThrows<InvalidFreeException>($"{call} of {block}, which is overrun", () => _clients[index].Call(call, block.Address));
            Agree("what is wrong with an overrun block", InvalidFreeReason.Corrupted, refusal.Reason);
            Count(refusal.Reason.ToString());
            RequireNamed(refusal.Message, block);
        }

        Agree("the state after an overrun was found", before, Picture());
        *victim = right;
    }

    /// <summary>Writes to every byte that the client holds, its live blocks excepted, which the driver needs as they are.</summary>
    private void Scribble(int index)
    {
        if (!_layout.Has(MemoryContextFeatures.ZeroOnHandOver) || _layout.Has(MemoryContextFeatures.PoisonOnFree))
        {
            return;
        }

        ModelClient model = _model.Clients[index];
        for (nint at = _model.Start; at < _model.Start + (nint)_model.Size; at += _layout.Alignment)
        {
            if (_context.TryGetClient((void*)at, out MemoryClient? holder) && holder == _clients[index].Client && _model.Find(at) is null)
            {
                ClientPattern.Of(model.Tag, (int)at & 0xFF, (nuint)_layout.Alignment).CopyTo(new Span<byte>((void*)at, _layout.Alignment));
                Count("scribbled");
            }
        }
    }

    private string Picture() =>
        string.Join('\n', _clients.Select(client => client.Statistics.ToString()).Append(_context.GetStatistics().ToString()));

    private static void RequireNamed(string message, ModelBlock block)
    {
        string address = block.Address.ToString("X", CultureInfo.InvariantCulture);
        Require(
            message.Contains(block.Client.Name, StringComparison.Ordinal) && message.Contains(address, StringComparison.OrdinalIgnoreCase),
            $"The message does not name {block}: {message}");
    }
}
