namespace Vmem.Leasing.PostgreSql;

/// <summary>Whether grants of an arena have met each other lately.</summary>
/// <remarks>A commit ahead of the disk takes a second transaction, which pays only if others want the lock. Nobody can see that they do,
/// but a grant without constraints says whether another's grant went first while it waited: the fence tells. Waits behind releases and
/// sweeps, which draw no fence, are not counted. Who is alone never sees another's grant, so it makes no second transaction, however busy
/// the machine is. A wrong guess costs time, and nothing else.</remarks>
internal sealed class LockTraffic
{
    // Arbitrary, and small: who was met once may be gone.
    private const int Memory = 8;

    private int _left;

    public bool IsHeavy => Volatile.Read(ref _left) > 0;

    /// <summary>Notes a call. If two are noted at once, one of them may be missed.</summary>
    /// <param name="waits">Of each of its grants, in order: 1 if another's went first, 0 if none did, null if nobody knows. All but the
    /// first had the lock already, so their 0 says nothing.</param>
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
