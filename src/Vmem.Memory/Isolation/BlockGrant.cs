namespace Vmem.Memory.Isolation;

/// <summary>What became of a request to a client.</summary>
internal unsafe struct BlockGrant
{
    /// <summary>The block; null: there is none.</summary>
    public void* Start;

    /// <summary>True if there is none, and no help by other clients would change that.</summary>
    public bool IsHopeless;

    /// <summary>When the block was taken, as seen under the lock under which it was: another thread may set a mark, or go back behind one,
    /// the next moment.</summary>
    public (ulong Resets, ulong Mark) Moment;
}
