namespace Vmem.Leasing.PostgreSql;

/// <summary>Whether the lock of an arena had to be waited for lately.</summary>
/// <remarks>A commit ahead of the disk takes a second transaction, which pays only if others want the lock. Nobody can see that they do,
/// but each grant says whether it waited for them. A wrong guess costs time, and nothing else.</remarks>
internal sealed class LockTraffic
{
    // Arbitrary, and small: on a busy machine a grant that met nobody may seem to have waited.
    private const int Memory = 8;

    private int _left;

    public bool IsHeavy => Volatile.Read(ref _left) > 0;

    /// <summary>Notes a grant. If two are noted at once, one of them may be missed.</summary>
    public void Note(bool hasWaited) => Volatile.Write(ref _left, hasWaited ? Memory : Math.Max(0, Volatile.Read(ref _left) - 1));
}
