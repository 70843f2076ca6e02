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
/// The naive model of a context: a list of clients, each a list of live blocks. It knows no regions: memory is cut into chunks of the block
/// size, a chunk belongs to whoever has a block in it, and one without live blocks can be had by anybody.
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

    /// <summary>What a block of so many bytes takes from its region.</summary>
    public nuint FootprintOf(nuint requested, nuint alignment = 1)
    {
        nuint needed = requested + GuardSize;
        nuint rounded = BitOperations.RoundUpToPowerOf2(nuint.Max(nuint.Max(needed, alignment), (nuint)layout.Alignment));
        return IsLarge(rounded) ? (needed + _chunkSize - 1) / _chunkSize * _chunkSize : rounded;
    }

    public bool IsUsableRight(nuint requested, nuint usable, nuint footprint) =>
        usable >= requested && (GuardSize == 0 ? usable == footprint : usable + GuardSize <= footprint);

    public ModelBlock? Find(nint address) => Blocks.FirstOrDefault(block => block.Holds(address));

    /// <summary>Is there room for a block of this client, if all that is cached or empty anywhere is taken back?</summary>
    public Room RoomFor(ModelClient client, nuint footprint)
    {
        bool[] occupied = OccupiedChunks();
        if (IsLarge(footprint))
        {
            return LongestRun(occupied) >= (int)(footprint / _chunkSize) ? Room.Surely : Room.None;
        }

        if (occupied.Contains(false))
        {
            return Room.Surely;
        }

        Room best = Room.None;
        for (int chunk = 0; chunk < Chunks; chunk++)
        {
            ModelBlock[] inside = [.. Blocks.Where(block => Overlaps(block, chunk))];
            if (Array.TrueForAll(inside, block => block.Client == client && !IsLarge(block.Footprint)) && HasSlot(inside, chunk, footprint))
            {
                bool isSure = Array.TrueForAll(inside, block => !block.WasLarge);
                best = isSure ? Room.Surely : best == Room.None ? Room.Perhaps : best;
            }
        }

        return best;
    }

    /// <summary>The longest run of bytes in whole chunks without a live block.</summary>
    public nuint LongestFree() => (nuint)LongestRun(OccupiedChunks()) * _chunkSize;

    /// <summary>The chunks in which a client has a live block, in bytes: what it cannot do without.</summary>
    public nuint Needed(ModelClient client) =>
        (nuint)Enumerable.Range(0, Chunks).Count(chunk => client.Blocks.Exists(block => Overlaps(block, chunk))) * _chunkSize;

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

    private bool[] OccupiedChunks()
    {
        bool[] occupied = new bool[Chunks];
        foreach (ModelBlock block in Blocks)
        {
            occupied.AsSpan(FirstChunk(block)..(LastChunk(block) + 1)).Fill(true);
        }

        return occupied;
    }

    private static int LongestRun(bool[] occupied)
    {
        int longest = 0;
        int run = 0;
        foreach (bool isOccupied in occupied)
        {
            run = isOccupied ? 0 : run + 1;
            longest = Math.Max(longest, run);
        }

        return longest;
    }

    private bool HasSlot(ModelBlock[] inside, int chunk, nuint footprint)
    {
        nint start = Start + (nint)((nuint)chunk * _chunkSize);
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
