namespace Vmem.Leasing.Memory;

/// <summary>What a session is to the store.</summary>
internal enum SessionStage
{
    Live,
    Lapsed,
    Dead,
}

/// <summary>A session as the store keeps it. Times are ticks of the store's clock.</summary>
internal sealed class MachineSession(Guid instance, string owner, long ttl)
{
    private readonly Dictionary<Guid, MachineExtent> _byRequest = [];

    public Guid Instance { get; } = instance;

    public string Owner { get; } = owner;

    public long Ttl { get; } = ttl;

    public SessionStage Stage { get; set; }

    public long Beat { get; set; }

    public long Expires { get; set; }

    public long Lapsed { get; set; }

    /// <summary>From lapse to death: the longest of the arenas that it leased from, as all of them are reclaimed by its one
    /// death.</summary>
    public long Quarantine { get; set; } = ttl;

    /// <summary>It uses no time beyond this, in milliseconds since 1970.</summary>
    public long Latest { get; set; }

    public HashSet<MachineExtent> Held { get; } = [];

    /// <summary>What was granted for a request and is still held; null if nothing is.</summary>
    public MachineExtent? GrantedFor(Guid request) => _byRequest.GetValueOrDefault(request);

    public void Add(MachineExtent extent)
    {
        Held.Add(extent);
        _byRequest[extent.Request] = extent;
    }

    public void Remove(MachineExtent extent)
    {
        Held.Remove(extent);
        _byRequest.Remove(extent.Request);
    }

    /// <summary>A copy that holds nothing: the extents' copies are added to it.</summary>
    public MachineSession Copy() => new(Instance, Owner, Ttl)
    {
        Stage = Stage,
        Beat = Beat,
        Expires = Expires,
        Lapsed = Lapsed,
        Quarantine = Quarantine,
        Latest = Latest,
    };
}
