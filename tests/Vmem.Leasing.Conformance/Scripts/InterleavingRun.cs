namespace Vmem.Leasing.Conformance.Scripts;

/// <summary>A script in one order: each call is made of a store and of a model, and after each all is checked.</summary>
public sealed class InterleavingRun
{
    /// <summary>Of all sessions, and as long the quarantine.</summary>
    public static readonly TimeSpan Ttl = TimeSpan.FromSeconds(30);

    private static readonly LeaseDefinition s_definition = new() { Start = 1000, Size = 16, Type = "UInt64", Quarantine = Ttl };

    private readonly StoreBench _bench;
    private readonly InterleavingScript _script;
    private readonly int[] _order;
    private readonly CancellationToken _token;
    private readonly string _name = $"race {Guid.NewGuid()}";
    private readonly ScriptClient[] _clients;
    private readonly HolderChecks _holders = new(Ttl);
    private readonly List<string> _told = [];
    private readonly List<string> _faults = [];
    private AuditStory _story;
    private NaiveLeases? _model;
    private int _incarnation;
    private (AuditStory Story, NaiveLeases Model)? _remembered;
    private bool _hasFailedOver;

    private InterleavingRun(StoreBench bench, InterleavingScript script, int[] order, CancellationToken token)
    {
        (_bench, _script, _order, _token) = (bench, script, order, token);
        _clients = [.. script.Turns.Select(static (_, i) => new ScriptClient($"{(char)('A' + i)}"))];
        _story = new AuditStory(Ttl, session => Array.Exists(_clients, client => client.Session == session));
    }

    public LeaseStore Store => _bench.Store;

    public NaiveLeases Model => _model!;

    /// <summary>Once one has ensured it.</summary>
    public LeaseArena? Arena { get; private set; }

    /// <summary>How far the store's clock has come; a step changes it.</summary>
    public TimeSpan Clock { get; private set; }

    /// <summary>How much time has passed.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>Runs it.</summary>
    /// <param name="bench">The store.</param>
    /// <param name="script">What is done.</param>
    /// <param name="number">In which order.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>What is wrong, and what was done before; empty if nothing is.</returns>
    public static async Task<IReadOnlyList<string>> FindFaultsAsync(StoreBench bench, InterleavingScript script, long number,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(bench);
        ArgumentNullException.ThrowIfNull(script);
        InterleavingRun run = new(bench, script, Interleavings.At(script.Lengths, number), cancellationToken);
        await run.RunAsync();
        return run._faults.Count == 0 ? [] : [$"{script.Name}, order {number}:", .. run._told, .. run._faults];
    }

    public async ValueTask<Answers> EnsureAsync()
    {
        LeaseArena arena = await Store.EnsureArenaAsync(_name, s_definition, _token);
        Arena ??= arena;
        _model ??= new NaiveLeases(Arena, Ttl, _incarnation);
        return new Answers(arena, Arena);
    }

    /// <summary>Time passes, for all; or only the store's clock is stepped.</summary>
    public async ValueTask<Answers> ElapseAsync(double ttls, bool isStep)
    {
        TimeSpan time = Ttl * ttls + TimeSpan.FromMilliseconds(1);
        await _bench.ElapseAsync(time);
        Clock += time;
        Now += isStep ? TimeSpan.Zero : time;
        return Answers.None;
    }

    public async ValueTask<Answers> RememberAsync()
    {
        await _bench.RememberAsync();
        _remembered = (_story.Copy(), Model.Copy());
        return Answers.None;
    }

    public async ValueTask<Answers> FailOverAsync()
    {
        await _bench.FailOverAsync();
        _hasFailedOver = true;
        (_story, _model) = _remembered!.Value;
        Model.Promote(Clock.Ticks);
        return Answers.None;
    }

    /// <summary>The store has granted a lease that the client did not have.</summary>
    public void CheckGranted(LeaseClaim claim) => _faults.AddRange(_holders.Granted(claim, Clock));

    /// <summary>A lease was given back, and its values may still be used somewhere.</summary>
    public void NoteRest(LeaseClaim claim) => _holders.Rests(claim, Clock);

    public async ValueTask<Answers> PruneAsync()
    {
        await Store.PruneAsync((await Store.GetInfoAsync(_token)).Now, _token);
        return Answers.None;
    }

    private async Task RunAsync()
    {
        _incarnation = (await Store.GetInfoAsync(_token)).Incarnation;
        foreach ((int client, ScriptStep step) in _script.Before)
        {
            await TakeAsync(_clients[client], step);
        }

        int[] taken = new int[_clients.Length];
        foreach (int client in _order)
        {
            await TakeAsync(_clients[client], _script.Turns[client][taken[client]++]);
        }

        await CleanAsync();
    }

    private async Task TakeAsync(ScriptClient client, ScriptStep step)
    {
        Answers answers = client.IsOver ? Answers.None : await step.TakeAsync(this, client);
        _told.Add($"{client.Name} {step.Name}: {answers}");
        if (!answers.Agree)
        {
            _faults.Add($"answers: {_told[^1]}");
        }

        _faults.AddRange(HolderChecks.Overlaps(_clients, Now));
        if (Arena is null)
        {
            return;
        }

        _faults.AddRange((await Store.ValidateAsync(Arena.Id, _token)).Select(static fault => $"validate: {fault}"));
        IReadOnlyList<LeaseExtent> extents = await Store.ListAsync(Arena.Id, _token);
        LeaseExtent[] listed = [.. extents.Select(static extent => extent with { Owner = "", Since = default })];
        if (!listed.SequenceEqual(Model.List()))
        {
            _faults.Add($"list: after {_told[^1]}: {string.Join<LeaseExtent>(", ", listed)}");
            _faults.Add($"list: the model has {string.Join(", ", Model.List())}");
        }

        _faults.AddRange(_story.Read(await Store.ReadAuditAsync(Arena.Id, _story.Last, 1000, _token)));
        _faults.AddRange(_story.Compare(extents));
    }

    /// <summary>Leaves the store as the next run needs it: no hold, no session, and a short audit.</summary>
    private async Task CleanAsync()
    {
        foreach (ScriptClient client in _clients.Where(static client => client.IsOpen))
        {
            await Store.CloseSessionAsync(client.Session, clean: true, _token);
        }

        for (int phase = 0; phase < 2 && _hasFailedOver; phase++)
        {
            await ElapseAsync(1, isStep: false);
            await Store.SweepAsync(Arena!.Id, _token);
        }

        await ElapseAsync(1, isStep: false);
        await PruneAsync();
    }
}
