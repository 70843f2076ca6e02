namespace Vmem.Leasing.Sqlite.Tests.Processes;

/// <summary>A process for which file locks do not work: every lock looks free to it, those of the living, too.</summary>
public sealed class LocklessTests : IDisposable
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    private readonly TempFile _file = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task A_process_that_cannot_lock_declares_nobody_dead()
    {
        await using var store = new SqliteLeaseStore(_file.Path);
        LeaseDefinition definition = new() { Start = 0, Size = 8, Type = "UInt16", Quarantine = s_hour };
        LeaseArena arena = await store.EnsureArenaAsync("slots", definition, Token);
        (Guid plain, Guid named) = (Guid.NewGuid(), Guid.NewGuid());
        await store.OpenSessionAsync(plain, "plain", s_hour, 0, Token);
        await store.GrantAsync(new LeaseRequest(arena.Id, plain, Guid.NewGuid(), 8), Token);

        // Its TTL is long over: as long as the process lives, nobody may count that against one with a name.
        await store.OpenSessionAsync(named, "named", TimeSpan.FromTicks(1), 0, Token);
        await store.InheritAsync(named, "web", Token);
        await using var idle = new SqliteLeaseStore(_file.Path);                           // its lock has no session yet
        await idle.ListArenasAsync(Token);
        string[] locks = Locks();
        Assert.Equal(2, locks.Length);
        using (Child child = Child.Start(typeof(LocklessTests), nameof(Lockless), _file.Folder, "DOTNET_SYSTEM_IO_DISABLEFILELOCKING"))
        {
            Assert.Equal("0", await child.ReadAsync(Token));
        }

        Assert.Equal(locks, Locks());
        Assert.Equal(plain, Assert.Single(await store.ListAsync(arena.Id, Token)).Session);
        Assert.Equal([(plain, LeaseSessionStage.Live), (named, LeaseSessionStage.Live)],
            (await store.ListSessionsAsync(Token)).Select(static session => (session.Session, session.Stage)).Take(2));
    }

    /// <summary>What the other process does.</summary>
    [Fact(Explicit = true)]
    public async Task Lockless()
    {
        await using var store = new SqliteLeaseStore(Path.Combine(Child.Folder, "leases.db"));
        await store.OpenSessionAsync(Guid.NewGuid(), "lockless", s_hour, 0, Token);
        await Console.Out.WriteLineAsync($"{await store.SweepAsync(1, Token)}");
        await Task.Delay(Timeout.Infinite, Token);             // until it is killed
    }

    private string[] Locks() => [.. Directory.GetFiles(_file.Path + "-leases", "*.lock").Order(StringComparer.Ordinal)];
}
