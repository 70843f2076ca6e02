using System.Buffers;

namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>A live block as its client's user knows it.</summary>
internal sealed class ModelBlock(ModelClient client, nint address, nuint usable, nuint footprint)
{
    public ModelClient Client { get; } = client;

    public nint Address { get; set; } = address;

    /// <summary>How many bytes may be used, as GetSize says.</summary>
    public nuint Usable { get; set; } = usable;

    /// <summary>How many it takes from its region, rounding and guard included.</summary>
    public nuint Footprint { get; set; } = footprint;

    /// <summary>Where in the client's pattern the block's contents start.</summary>
    public int Phase { get; init; }

    /// <summary>The rented owner that frees the block; null for a plain block.</summary>
    public IMemoryOwner<byte>? Owner { get; init; }

    /// <summary>True once a block that was longer than half a context's block has been resized where it lies: who else may use the rest of
    /// its region is the context's choice.</summary>
    public bool WasLarge { get; set; }

    public nint End => Address + (nint)Footprint;

    public bool Holds(nint address) => address >= Address && address < End;

    public override string ToString() => $"{Client.Name}'s block {Address:X}+{Footprint:X}";
}
