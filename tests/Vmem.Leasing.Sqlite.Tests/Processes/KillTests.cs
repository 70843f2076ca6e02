using System.Globalization;

namespace Vmem.Leasing.Sqlite.Tests.Processes;

/// <summary>Four processes lease from one file and are killed at random points, again and again. A second witness sees every overlap: each
/// holder keeps a file of the value's name locked, as a server keeps a port bound.</summary>
/// <remarks>The witness's locks are of the process (<c>fcntl</c>). The kernel drops them when a dying process closes its files, and the
/// store's lock, which is of the file (<c>flock</c>), after all of those. Files are closed in the order of their numbers, so the witness's
/// are opened first, too. With locks of one kind, a value could pass on while its dead holder's witness was still there.</remarks>
public sealed class KillTests : IDisposable
{
    private const int Workers = 4;
    private const int Values = 24;

    // A few in CI; VMEM_KILLS=1000 for the soak.
    private static readonly int s_kills = int.Parse(Environment.GetEnvironmentVariable("VMEM_KILLS") ?? "5", CultureInfo.InvariantCulture);

    private readonly TempFile _file = new();
    private readonly List<Child> _started = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _started.ForEach(static worker => worker.Dispose());
        _file.Dispose();
    }

    [Fact]
    [Trait("Once", "Release")]
    public async Task Processes_that_are_killed_leave_nothing_behind_and_no_value_has_two_holders()
    {
        Assert.SkipWhen(OperatingSystem.IsMacOS(), "has no locks of a part of a file");
        Random random = new(1);
        List<Child> workers = [.. Enumerable.Range(0, Workers).Select(_ => Start())];
        for (int kill = 0; kill < s_kills; kill++)
        {
            Child victim = workers[random.Next(Workers)];
            for (int uses = random.Next(1, 40); uses > 0; uses--)
            {
                Assert.DoesNotContain("CONFLICT", await victim.ReadAsync(Token), StringComparison.Ordinal);
            }

            victim.Kill();
            workers[workers.IndexOf(victim)] = Start();
        }

        workers.ForEach(static worker => worker.Kill());
        foreach (Child worker in _started)
        {
            Assert.DoesNotContain("CONFLICT", await worker.ReadRestAsync(Token), StringComparison.Ordinal);
        }

        await using var store = new SqliteLeaseStore(_file.Path);
        LeaseArena arena = await store.EnsureArenaAsync("slots", null, Token);
        await store.SweepAsync(arena.Id, Token);
        IReadOnlyList<LeaseExtent> extents = await store.ListAsync(arena.Id, Token);
        Assert.DoesNotContain(extents, extent => extent.State == LeaseExtentState.Leased);             // though the TTL is an hour
        Assert.Empty(await store.ValidateAsync(arena.Id, Token));
        Assert.Equal(1, (await store.GetInfoAsync(Token)).Incarnation);
        IReadOnlyList<LeaseAuditEntry> audit = await store.ReadAuditAsync(arena.Id, 0, int.MaxValue, Token);
        Assert.InRange(audit.Count(static entry => entry.Event == LeaseEvent.Die), s_kills, s_kills + Workers);
        Assert.InRange(audit.Count(static entry => entry.Event == LeaseEvent.Grant), s_kills, int.MaxValue);
    }

    /// <summary>What a worker does until it is killed.</summary>
    [Fact(Explicit = true)]
    public async Task Worker()
    {
        string folder = Child.Folder;
        FileStream[] witnesses = [.. Enumerable.Range(0, Values).Select(value =>
            new FileStream(Path.Combine(folder, $"value-{value}"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite))];
        await using var store = new SqliteLeaseStore(Path.Combine(folder, "leases.db"), new() { BusyTimeout = TimeSpan.FromMinutes(1) });
        TimeSpan hour = TimeSpan.FromHours(1);                 // so nothing comes back by time
        LeaseDefinition slots = new() { Start = 0, Size = Values, Type = "UInt16", Quarantine = hour };
        LeaseArena arena = await store.EnsureArenaAsync("slots", slots, Token);
        var session = Guid.NewGuid();
        await store.OpenSessionAsync(session, "worker", hour, 0, Token);
        Random random = new();
        while (true)
        {
            LeaseRequest request = new(arena.Id, session, Guid.NewGuid(), (UInt128)random.Next(1, 4));
            LeaseAnswer answer = await store.GrantAsync(request, Token);
            if (answer.Claim is not { } claim)
            {
                await store.SweepAsync(arena.Id, Token);
                continue;
            }

            List<FileStream> held = [];
            string said = $"{claim.Start} {claim.Size} {claim.Fence}";
            try
            {
                foreach (FileStream witness in witnesses[(int)claim.Start..(int)(claim.Start + claim.Size)])
                {
                    Lock(witness);
                    held.Add(witness);
                }
            }
            catch (IOException)
            {
                said = $"CONFLICT {said}";
            }

            await Console.Out.WriteLineAsync(said);
            held.ForEach(Unlock);
            Assert.True(await store.ReleaseAsync(claim, clean: true, null, Token));
        }
    }

    private static void Lock(FileStream witness)
    {
        if (OperatingSystem.IsMacOS())
        {
            throw new PlatformNotSupportedException();         // the test is skipped there
        }

        witness.Lock(0, 1);
    }

    private static void Unlock(FileStream witness)
    {
        if (!OperatingSystem.IsMacOS())
        {
            witness.Unlock(0, 1);
        }
    }

    private Child Start()
    {
        Child worker = Child.Start(typeof(KillTests), nameof(Worker), _file.Folder);
        _started.Add(worker);
        return worker;
    }
}
