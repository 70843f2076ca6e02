using System.Numerics;
using Vmem.Buddy;
using Vmem.Checks;

namespace Vmem.Memory.Isolation;

/// <summary>A piece of a context that one client holds.</summary>
/// <remarks>
/// A region that is divided has a buddy tree, which knows for each block where it starts, how long it is and whether the tree has given it
/// out; whether it is the user's then or cached, the <see cref="BlockMap"/> knows. All of this lies outside the memory it describes: a
/// client that scribbles over its blocks cannot reach it. Rejected: links through the free blocks, which a stray write would turn into the
/// allocator's own stray write.
/// </remarks>
internal sealed class Region
{
    private readonly uint[] _slack;               // by unit, with guard bytes only: how much shorter the request was than its block
    private bool _isStale;                        // what the tree says is of a client that is gone

    /// <summary>The record of a region of so many units, 2^<paramref name="regionClass"/> granules; 0 units: one large block of any length.
    /// With <paramref name="remembersSizes"/> it has room for the sizes that were asked for.</summary>
    public Region(int units, int regionClass, bool remembersSizes)
    {
        Class = regionClass;
        Tree = units == 0 ? null : new BuddyTree(units, BitOperations.Log2((uint)units));
        _slack = remembersSizes ? new uint[Math.Max(units, 1)] : [];
    }

    /// <summary>The logarithm of its number of granules; for a large block one more than the largest of these.</summary>
    public int Class { get; }

    public BuddyTree? Tree { get; }

    public bool IsLarge => Tree is null;

    /// <summary>Where it starts, in units from the context's start.</summary>
    public nuint FirstUnit { get; private set; }

    /// <summary>How long it is, in bytes.</summary>
    public nuint Size { get; set; }

    public MemoryClient? Owner { get; private set; }

    /// <summary>The owner, if it may put blocks of the region into its caches; null of one that is sealed (<see cref="Checkpoints"/>): so
    /// the short way of a free, which asks for this, need not know of checkpoints.</summary>
    public MemoryClient? Front { get; private set; }

    public bool IsSealed => Front is null;

    /// <summary>How many checkpoints the client had when it took the region.</summary>
    public int Checkpoint { get; private set; }

    /// <summary>How many blocks in it the client's user holds.</summary>
    public int LiveBlocks { get; set; }

    public Region? Previous { get; set; }

    public Region? Next { get; set; }

    /// <summary>Which of its client's lists it is in; see <see cref="RegionLists"/>.</summary>
    public int List { get; set; }

    public long BookkeepingBytes => (Tree?.BookkeepingBytes ?? 0) + (_slack.Length * (long)sizeof(uint));

    /// <summary>Makes it the client's, with nothing in it.</summary>
    public void Open(MemoryClient owner, nuint firstUnit, nuint size, int checkpoint)
    {
        Invariant.Assert(Owner is null, "a region that is opened is nobody's");
        if (_isStale)
        {
            Tree?.Reset();
            _isStale = false;
        }

        Owner = Front = owner;
        Checkpoint = checkpoint;
        FirstUnit = firstUnit;
        Size = size;
        LiveBlocks = 0;
    }

    /// <summary>Forgets what is in it: the work is put off until somebody opens it again.</summary>
    public void Close()
    {
        Invariant.Assert(Owner is not null, "a region that is closed was somebody's");
        Owner = Front = null;
        _isStale = true;
    }

    /// <summary>Nothing more is given out from it until it is opened up again; what is out may be freed.</summary>
    public void Seal() => Front = null;

    public void Unseal() => Front = Owner;

    public uint SlackAt(nuint unit) => _slack[unit - FirstUnit];

    public void SetSlack(nuint unit, uint slack) => _slack[unit - FirstUnit] = slack;
}
