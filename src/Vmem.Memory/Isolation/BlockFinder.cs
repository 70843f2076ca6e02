using System.Diagnostics.CodeAnalysis;

namespace Vmem.Memory.Isolation;

/// <summary>Finds a client's block by an address, and explains why there is none.</summary>
internal readonly struct BlockFinder(MemoryClient client, ContextMap map)
{
    /// <summary>The live block of the client that starts at an address.</summary>
    /// <exception cref="InvalidFreeException">There is none; it says why.</exception>
    /// <exception cref="ObjectDisposedException">The client has been disposed of.</exception>
    public Block Find(nuint address, string verb)
    {
        client.AssertEntered();
        nuint unit = map.UnitOf(address);
        int start = map.Blocks.At(unit);
        if (start != 0 && address == map.AddressOf(unit) && map.RegionAt(unit) is { } region && region.Owner == client)
        {
            return new Block(region, unit, start == BlockMap.Large ? region.Size : (nuint)1 << (start - 1 + map.Geometry.UnitShift));
        }

        ObjectDisposedException.ThrowIf(client.IsDisposed, client);
        throw NoBlock(address, verb);
    }

    /// <summary>True if the address lies in a live block of the client.</summary>
    public bool Owns(nuint address) =>
        TryFindHolder(address, out Region? region, out _, out bool isLive) && region.Owner == client && isLive;

    /// <summary>Finds the region that holds the address and the start of the block that it lies in. False if no client holds the
    /// memory.</summary>
    private bool TryFindHolder(nuint address, [NotNullWhen(true)] out Region? region, out nuint start, out bool isLive)
    {
        nuint unit = map.UnitOf(address);
        region = unit < map.Blocks.Units ? map.RegionAt(unit) : null;
        start = 0;
        isLive = false;
        if (region?.Owner != client)
        {
            return region is not null;
        }

        start = region.FirstUnit;
        if (region.Tree is { } tree)
        {
            tree.TryFind((long)(unit - region.FirstUnit), out long found, out _, out _);
            start += (nuint)found;
        }

        isLive = map.Blocks.At(start) != 0;
        return true;
    }

    private InvalidFreeException NoBlock(nuint address, string verb)
    {
        (InvalidFreeReason reason, string why) = !TryFindHolder(address, out Region? region, out nuint start, out bool isLive)
            ? (InvalidFreeReason.NotAllocated, address - map.Start < map.Size
                ? "no client holds that memory (any more)"
                : "it lies outside the context's memory")
            : region.Owner is not { } owner ? (InvalidFreeReason.NotAllocated, "no client holds that memory (any more)")
            : owner != client ? (InvalidFreeReason.OtherOwner, $"the memory belongs to client '{owner.Name}'")
            : isLive ? (InvalidFreeReason.InteriorAddress, $"it lies {address - map.AddressOf(start)} bytes inside the block at {map.TextOf(start)}")
            : (InvalidFreeReason.AlreadyFree, "it lies in no live block: freed before, or never handed out");
        return new InvalidFreeException(reason, address, 0, $"Client '{client.Name}' cannot {verb} 0x{address:x}: {why}. Nothing was changed.{(isLive ? "" : client.Audit?.StoryOf(address))}");
    }
}
