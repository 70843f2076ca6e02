using System.Numerics;

namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>Whether a request has room.</summary>
internal enum Room
{
    /// <summary>It cannot be met.</summary>
    None,

    /// <summary>It depends on what the context does with the rest of a region.</summary>
    Perhaps,

    /// <summary>It must be met.</summary>
    Surely,
}

/// <summary>
/// The naive model of a context: a list of clients, each a list of live blocks. It knows no regions: memory is cut into chunks of the
/// block size, a chunk belongs to whoever has a block in it, and one without live blocks can be had by anybody.
/// </summary>
internal sealed class ContextModel(ContextLayout layout, nint start, nuint size)
{
    private readonly nuint _chunkSize = (nuint)layout.BlockSize;

    public nint Start { get; } = start;

    public nuint Size { get; } = size;

    public List<ModelClient> Clients { get; } = [];

    public int Created { get; set; }

    public IEnumerable<ModelBlock> Blocks => Clients.SelectMany(client => client.Blocks);

    private nuint GuardSize => layout.Has(MemoryContextFeatures.GuardBytes) ? 8u : 0;

    private int Chunks => (int)(Size / _chunkSize);

    public bool IsLarge(nuint footprint) => footprint > _chunkSize / 2;

    /// <summary>Whether clients may take regions of several chunks, of which one cannot go back alone.</summary>
    public bool HasLongRegions => Chunks >= 32;

    /// <summary>What a block of so many bytes takes from its region.</summary>
    public nuint FootprintOf(nuint requested, nuint alignment = 1)
    {
        nuint needed = nuint.Max(requested + GuardSize, 1);
        nuint rounded = BitOperations.RoundUpToPowerOf2(nuint.Max(nuint.Max(needed, alignment), (nuint)layout.Alignment));
        return IsLarge(rounded) ? (needed + _chunkSize - 1) / _chunkSize * _chunkSize : rounded;
    }

    public bool IsUsableRight(nuint requested, nuint usable, nuint footprint) =>
        GuardSize == 0 ? usable == footprint && usable >= requested : usable == requested && usable + GuardSize <= footprint;

    public ModelBlock? Find(nint address) => Blocks.FirstOrDefault(block => block.Holds(address));

    /// <summary>Is there room for a block of this client, if all that is cached or empty anywhere is taken back?</summary>
    /// <param name="client">Whose request it is.</param>
    /// <param name="footprint">What the block takes.</param>
    /// <param name="holderOf">Who holds an address after everything was taken back: asked only where regions may be longer than a
    /// chunk.</param>
    public Room RoomFor(ModelClient client, nuint footprint, Func<nint, ModelClient?> holderOf)
    {
        ModelClient?[] holders = Holders();
        if (HasLongRegions)
        {
            holders = [.. holders.Select((holder, chunk) => holder ?? holderOf(ChunkStart(chunk)))];
        }

        if (IsLarge(footprint))
        {
            return LongestRun(holders) >= (int)(footprint / _chunkSize) ? Room.Surely : Room.None;
        }

        if (holders.Contains(null))
        {
            return Room.Surely;
        }

        Room best = Room.None;
        for (int chunk = 0; chunk < Chunks; chunk++)
        {
            ModelBlock[] inside = [.. Blocks.Where(block => Overlaps(block, chunk))];
            if (holders[chunk] == client
                && Array.TrueForAll(inside, block => !IsLarge(block.Footprint))
                && HasSlot(inside, chunk, footprint))
            {
                bool isSure = Array.TrueForAll(inside, block => !block.WasLarge);
                best = isSure ? Room.Surely : best == Room.None ? Room.Perhaps : best;
            }
        }

        return best;
    }

    /// <summary>The longest run of bytes in whole chunks without a live block.</summary>
    public nuint LongestFree() => (nuint)LongestRun(Holders()) * _chunkSize;

    /// <summary>The chunks in which a client has a live block, in bytes: what it cannot do without.</summary>
    public nuint Needed(ModelClient client) =>
        (nuint)Enumerable.Range(0, Chunks).Count(chunk => client.Blocks.Exists(block => Overlaps(block, chunk))) * _chunkSize;

    /// <summary>Must a block be able to grow where it lies?</summary>
    public bool CanGrow(ModelBlock block, nuint footprint)
    {
        bool isLarge = IsLarge(footprint);
        nuint alignment = isLarge ? _chunkSize : footprint;
        nint end = block.Address + (nint)footprint;
        return isLarge == IsLarge(block.Footprint) && !block.WasLarge
            && (nuint)block.Address % alignment == 0
            && end <= Start + (nint)Size
            && !Blocks.Any(other => other != block && other.Address < end && other.End > block.Address);
    }

    /// <summary>Null, or why a block cannot be there.</summary>
    public string? FaultOf(ModelBlock block)
    {
        nint offset = block.Address - Start;
        if (offset < 0 || (nuint)offset + block.Footprint > Size)
        {
            return "does not lie in the context";
        }

        nuint alignment = nuint.Min(block.Footprint, _chunkSize);
        if ((nuint)block.Address % alignment != 0)
        {
            return $"does not start at a multiple of {alignment}";
        }

        foreach (ModelBlock other in Blocks.Where(other => other != block))
        {
            if (block.Address < other.End && other.Address < block.End)
            {
                return $"overlaps {other}";
            }

            if (other.Client != block.Client && LastChunk(other) >= FirstChunk(block) && FirstChunk(other) <= LastChunk(block))
            {
                return $"shares a region with {other}";
            }
        }

        return null;
    }

    /// <summary>By chunk: who has a live block in it.</summary>
    private ModelClient?[] Holders()
    {
        var holders = new ModelClient?[Chunks];
        foreach (ModelBlock block in Blocks)
        {
            holders.AsSpan(FirstChunk(block)..(LastChunk(block) + 1)).Fill(block.Client);
        }

        return holders;
    }

    private static int LongestRun(ModelClient?[] holders)
    {
        int longest = 0;
        int run = 0;
        foreach (ModelClient? holder in holders)
        {
            run = holder is null ? run + 1 : 0;
            longest = Math.Max(longest, run);
        }

        return longest;
    }

    private nint ChunkStart(int chunk) => Start + (nint)((nuint)chunk * _chunkSize);

    private bool HasSlot(ModelBlock[] inside, int chunk, nuint footprint)
    {
        nint start = ChunkStart(chunk);
        for (nint slot = start; slot < start + (nint)_chunkSize; slot += (nint)footprint)
        {
            if (Array.TrueForAll(inside, block => block.End <= slot || block.Address >= slot + (nint)footprint))
            {
                return true;
            }
        }

        return false;
    }

    private bool Overlaps(ModelBlock block, int chunk) => FirstChunk(block) <= chunk && chunk <= LastChunk(block);

    private int FirstChunk(ModelBlock block) => (int)((nuint)(block.Address - Start) / _chunkSize);

    private int LastChunk(ModelBlock block) => (int)((nuint)(block.End - 1 - Start) / _chunkSize);
}
