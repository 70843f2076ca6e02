using Npgsql;
using Vmem.Leasing;

namespace Vmem.Tool.Leases;

/// <summary>Looks for what breaks the promises of a store, though every lease in it is in order.</summary>
internal static class Doctor
{
    /// <summary>Below this a pause for a garbage collection or a slow disk ends a session. Arbitrary.</summary>
    private static readonly TimeSpan s_shortTtl = TimeSpan.FromSeconds(5);

    /// <summary>How far the store's clock may be from this machine's before it is worth a word. Arbitrary.</summary>
    private static readonly TimeSpan s_clockDifference = TimeSpan.FromSeconds(2);

    public static async Task<IReadOnlyList<FindingDocument>> ExamineAsync(StoreAddress address, CancellationToken cancellationToken)
    {
        List<FindingDocument> findings = [];
        LeaseStore store = address.Store;
        LeaseStoreInfo info = await store.GetInfoAsync(cancellationToken);
        Add("hold", info.HoldUntil is null, info.HoldUntil is { } until
            ? $"the store was put back to an older state or failed over, and grants nothing before {until:HH:mm:ss}"
            : $"none; incarnation {info.Incarnation}");
        TimeSpan apart = (info.Now - DateTimeOffset.UtcNow).Duration();
        Add("clock", apart < s_clockDifference, apart < s_clockDifference
            ? "the store's clock is this machine's"
            : $"the store's clock is {apart} from this machine's: leases do not mind, but watermarks are times of the holders' clocks");
        foreach (LeaseSessionInfo session in await store.ListSessionsAsync(cancellationToken))
        {
            if (session.Ttl < s_shortTtl && session.Stage == LeaseSessionStage.Live)
            {
                Add("ttl", false, $"{session.Owner} has a TTL of {session.Ttl}: a pause of the process ends its session; use 30 s");
            }
        }

        foreach (FaultDocument fault in await LeaseQueries.FaultsAsync(store, null, cancellationToken))
        {
            Add("leases", false, $"{fault.Arena}: {fault.Fault}");
        }

        if (address.Database is { } database)
        {
            await ExamineAsync(database, Add, cancellationToken);
        }
        else
        {
            Examine(address.File!, Add);
        }

        return findings;

        void Add(string check, bool isGood, string text) => findings.Add(new FindingDocument(check, isGood, text));
    }

    private static void Examine(string file, Action<string, bool, string> add)
    {
        string folder = Path.GetFullPath(file) + "-leases";
        bool hasWitness = File.Exists(Path.Combine(folder, "witness"));
        add("witness", hasWitness, hasWitness
            ? "an older copy of the file would be noticed"
            : $"{folder} is missing: if the file is an older copy, nobody notices it, and fences repeat; keep both together");
        string kind = DriveKind.Of(Path.GetDirectoryName(folder)!);
        bool isLocal = DriveKind.IsLocal(kind);
        add("drive", isLocal, isLocal
            ? "the file is on a drive of this machine"
            : $"the file is on a drive of the kind {kind}, which is not known to be this machine's own: locks and shared memory of SQLite do not work across machines; use PostgreSQL");
    }

    private static async Task ExamineAsync(NpgsqlDataSource database, Action<string, bool, string> add, CancellationToken cancellationToken)
    {
        string commit = await SettingAsync("synchronous_commit");
        add("synchronous_commit", commit is not "off", commit is not "off"
            ? $"{commit}: what was granted is on the disk"
            : "off: a crash of the server forgets grants, and no hold follows; set it to on for this database");
        string fsync = await SettingAsync("fsync");
        add("fsync", fsync == "on", fsync == "on" ? "on" : "off: a power failure may damage the database");
        string isolation = await SettingAsync("default_transaction_isolation");
        bool canWait = isolation == "read committed";
        add("isolation", canWait, canWait ? isolation
            : $"{isolation}: of calls that meet in an arena all but one fail, and are asked for again late; set default_transaction_isolation to read committed");
        string standbys = await SettingAsync("synchronous_standby_names");
        long replicas = (long)(await AskAsync("SELECT count(*) FROM pg_stat_replication"))!;
        bool mayForget = replicas > 0 && (standbys.Length == 0 || commit is "local" or "off");
        add("replicas", !mayForget, mayForget
            ? $"{replicas} asynchronous: a failover forgets the last grants; the hold covers that, if the old primary is dead for sure. Fence it off, or set synchronous_standby_names, and synchronous_commit above local"
            : replicas > 0 ? $"{replicas}, synchronous: {standbys}" : "none");
        bool hasExtension = (bool)(await AskAsync("SELECT EXISTS (SELECT FROM pg_extension WHERE extname = 'btree_gist')"))!;
        add("btree_gist", hasExtension, hasExtension ? "installed" : "absent: the exclusion constraint, the proof, cannot be; run \"vmem lease migrate\"");

        async Task<string> SettingAsync(string name) => (string)(await AskAsync($"SELECT current_setting('{name}')"))!;

        async Task<object?> AskAsync(string sql)
        {
            await using NpgsqlCommand command = database.CreateCommand(sql);
            return await command.ExecuteScalarAsync(cancellationToken);
        }
    }
}
