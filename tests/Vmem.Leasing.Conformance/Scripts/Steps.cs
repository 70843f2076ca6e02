namespace Vmem.Leasing.Conformance.Scripts;

/// <summary>The calls that scripts are made of.</summary>
internal static class Steps
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static ScriptStep Ensure { get; } = new("ensures the arena", static (run, _) => run.EnsureAsync());

    public static ScriptStep Sweep { get; } = new("sweeps", static async (run, _) =>
        new Answers(await run.Store.SweepAsync(run.Arena!.Id, Token), run.Model.Sweep(run.Clock.Ticks)));

    public static ScriptStep Prune { get; } = new("prunes the audit", static (run, _) => run.PruneAsync());

    public static ScriptStep Remember { get; } = new("makes a replica", static (run, _) => run.RememberAsync());

    public static ScriptStep FailOver { get; } = new("fails over to it", static (run, _) => run.FailOverAsync());

    /// <summary>It reasserts all that it holds, and lets go of what is not taken up.</summary>
    public static ScriptStep Reassert { get; } = new("reasserts", static async (run, client) =>
    {
        List<LeaseReassertion> store = [];
        List<LeaseReassertion> model = [];
        foreach (LeaseClaim claim in client.Uses(run.Now) ? client.Claims.ToArray() : [])
        {
            store.Add(await run.Store.ReassertAsync(claim, Token));
            model.Add(run.Model.Reassert(claim, run.Clock.Ticks));
            if (store[^1] is not (LeaseReassertion.Known or LeaseReassertion.Reinstated))
            {
                client.Lose(claim);
            }
        }

        return new Answers(string.Join(", ", store), string.Join(", ", model));
    });

    public static ScriptStep Pass(double ttls) => new($"lets {ttls} TTL pass", (run, _) => run.ElapseAsync(ttls, isStep: false));

    public static ScriptStep StepClock(double ttls) =>
        new($"steps the clock by {ttls} TTL", (run, _) => run.ElapseAsync(ttls, isStep: true));

    public static ScriptStep Open(long latest = 0) => new("opens a session", async (run, client) =>
    {
        TimeSpan sent = run.Now;
        int incarnation = await run.Store.OpenSessionAsync(client.Session, client.Name, InterleavingRun.Ttl, latest, Token);
        client.Opened(sent, InterleavingRun.Ttl, incarnation);
        return new Answers(incarnation, run.Model.Open(client.Session, latest, run.Clock.Ticks));
    });

    public static ScriptStep Renew(long latest = 0) => new("renews", async (run, client) =>
    {
        LeaseRenewal? answer = await run.Store.RenewAsync(client.Session, latest, Token);
        client.Hear(run.Now, InterleavingRun.Ttl, answer, await run.Store.GetHeldAsync(client.Session, Token));
        return new Answers(answer, run.Model.Renew(client.Session, latest, run.Clock.Ticks));
    });

    /// <summary>The same slot twice is the same request twice (R11).</summary>
    public static ScriptStep Grant(int slot, int size, int align = 0, int min = 0, int max = 0, int least = 0) =>
        new($"asks for {size}, request {slot}", async (run, client) =>
        {
            LeaseRequest request = client.Ask(slot, () => new(run.Arena!.Id, client.Session, Guid.NewGuid(), (UInt128)size)
            {
                Align = (UInt128)align,
                Min = (UInt128)min,
                Max = (UInt128)max,
                MinSize = (UInt128)least,
            });
            LeaseAnswer answer = await run.Store.GrantAsync(request, Token);
            Hear(run, client, slot, answer);
            return new Answers(answer, run.Model.Grant(request, run.Clock.Ticks));
        });

    /// <summary>For several in one call, into slots from a number on.</summary>
    public static ScriptStep GrantMany(int slot, params int[] sizes) => new($"asks for {string.Join(", ", sizes)}", async (run, client) =>
    {
        LeaseRequest[] requests = [.. sizes.Select((size, i) =>
            client.Ask(slot + i, () => new(run.Arena!.Id, client.Session, Guid.NewGuid(), (UInt128)size)))];
        IReadOnlyList<LeaseAnswer> answers = await run.Store.GrantManyAsync(requests, Token);
        for (int i = 0; i < answers.Count; i++)
        {
            Hear(run, client, slot + i, answers[i]);
        }

        return new Answers(string.Join(", ", answers), string.Join(", ", requests.Select(one => run.Model.Grant(one, run.Clock.Ticks))));
    });

    public static ScriptStep Release(int slot, bool clean) => new($"releases {slot}{(clean ? "" : ", not clean")}", async (run, client) =>
    {
        if (client.ClaimOf(slot) is not { } claim)
        {
            return Answers.None;
        }

        client.GivesBack(slot);
        bool isReleased = await run.Store.ReleaseAsync(claim, clean, null, Token);
        if (isReleased && !clean)
        {
            run.NoteRest(claim);
        }

        return new Answers(isReleased, run.Model.Release(claim, clean, null, run.Clock.Ticks));
    });

    public static ScriptStep Mark(int slot, long watermark) => new($"marks {slot} with {watermark}", async (run, client) =>
        client.ClaimOf(slot) is not { } claim ? Answers.None
            : new Answers(await run.Store.MarkAsync(claim, watermark, Token), run.Model.Mark(claim, watermark)));

    public static ScriptStep Close(bool clean) => new($"closes its session{(clean ? "" : ", not clean")}", async (run, client) =>
    {
        foreach (LeaseClaim claim in clean || !client.Uses(run.Now) ? [] : client.Claims)
        {
            run.NoteRest(claim);                           // of one that may have died nobody can say
        }

        client.End();
        await run.Store.CloseSessionAsync(client.Session, clean, Token);
        run.Model.Close(client.Session, clean, run.Clock.Ticks);
        return Answers.None;
    });

    private static void Hear(InterleavingRun run, ScriptClient client, int slot, LeaseAnswer answer)
    {
        if (answer.Claim is { } claim && client.Granted(slot, claim))
        {
            run.CheckGranted(claim);
        }
    }
}
