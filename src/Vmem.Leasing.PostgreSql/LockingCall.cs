namespace Vmem.Leasing.PostgreSql;

/// <summary>A statement that locks an arena until its transaction ends.</summary>
/// <remarks>
/// A commit that waits for the disk keeps the lock meanwhile, and each of those who want it waits for a flush of its own. So the commit
/// goes ahead of the disk. A second transaction waits for the disk without a lock, before anybody is told the answer. If the server dies
/// between the two, nobody was answered what is lost. Another call may have gone by it, or the same was asked again. Then that call's own
/// flush comes after it: the log is written in the order of the commits. A call that only reads has none. What a session holds is read with
/// a flush, as what is not there is dropped. Lists, the audit and the history are for people, and may show what a crash of the server
/// undoes. See <see cref="LockTraffic"/> for when this pays.
/// </remarks>
/// <param name="columns">What it selects.</param>
/// <param name="from">The rest of it.</param>
internal sealed class LockingCall(string columns, string from = "")
{
    /// <summary>The second transaction.</summary>
    public const string Flush = "SELECT vmem.flush()";

    /// <summary>Its commit does not wait for the disk.</summary>
    public string Ahead { get; } = $"SELECT {columns}, set_config('synchronous_commit', 'off', true) {from}";

    /// <summary>Its commit waits as the server was told.</summary>
    public string Waiting { get; } = $"SELECT {columns} {from}";
}
