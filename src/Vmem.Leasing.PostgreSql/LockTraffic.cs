namespace Vmem.Leasing.PostgreSql;

/// <summary>Whether the lock of an arena had to be waited for lately.</summary>
/// <remarks>A commit ahead of the disk takes a second transaction, which pays only if others want the lock. Nobody can see that they do,
/// but a grant says whether another's went first while it waited, unless it has constraints. Who is alone never sees that, so it makes no
/// second transaction, however busy the machine is. A wrong guess costs time, and nothing else.</remarks>
internal sealed class LockTraffic
{
    // Arbitrary, and small: who was met once may be gone.
    private const int Memory = 8;

    private int _left;

    public bool IsHeavy => Volatile.Read(ref _left) > 0;

    /// <summary>Notes a call. If two are noted at once, one of them may be missed.</summary>
    /// <param name="waits">Of each of its grants, in order: 1 if it waited, 0 if not, null if that was not measured. All but the first had
    /// the lock already, so their 0 says nothing.</param>
    public void Note(IReadOnlyList<long?> waits)
    {
        if (waits.Contains(1))
        {
            Volatile.Write(ref _left, Memory);
        }
        else if (waits is [0L, ..])
        {
            Volatile.Write(ref _left, Math.Max(0, Volatile.Read(ref _left) - 1));
        }
    }
}
