using Vmem.Leasing;
using Vmem.Leasing.Conformance.Scripts;
using Vmem.Leasing.Sqlite.Tests.Processes;
using Vmem.Testing.Time;

namespace Vmem.Net.Tests.Ports;

/// <summary>Several ask for one key's port at one moment: one has it, each other gets the next above, and nobody hangs.</summary>
public sealed class KeyRaceTests : IDisposable
{
    private const string Key = "web";
    private const string Leases = "leases.db";
    private const string Go = "go";
    private const string Gone = "gone";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vmem-net-");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>The store has all their first requests before it answers one.</summary>
    [Theory]
    [InlineData(2, 1)]
    [InlineData(5, 1)]
    [InlineData(2, 16)]
    [InlineData(3, 16)]
    public async Task Of_sessions_that_ask_at_once_each_has_a_port_and_one_has_the_keys(int contenders, ushort spanSize)
    {
        await using var memory = new InMemoryLeaseStore(new ManualTime());
        await using var store = new GatheringStore(memory);
        Holder[] all = await StartAsync(store, contenders, Options(spanSize));
        store.Gather(contenders);
        int[] ports = await AskAsync(all);
        int preferred = all[0].Pool.PreferredPort(Key);
        Assert.Equal(preferred, ports.Min());
        Assert.Equal(contenders, ports.Distinct().Count());
        int end = preferred - (preferred - 5000) % spanSize + contenders * spanSize;       // one cell each, side by side
        Assert.All(ports, port => Assert.InRange(port, preferred, end - 1));
        if (spanSize == 1)
        {
            Assert.Equal(Enumerable.Range(preferred, contenders), ports.Order());
        }

        // The others go on; the first gives back, and the key has its place again.
        int winner = Array.IndexOf(ports, preferred);
        await all[winner].Session.DisposeAsync();
        int other = (winner + 1) % contenders;
        all[other].Pool.Free(ports[other]);
        Assert.Equal(preferred, await PortAsync(all[other].Pool));
        await EndAsync(all, memory);
    }

    /// <summary>What one has given back may be on its way to the store while another looks for the next free port: that passes it over.
    /// The key's own is always somebody's.</summary>
    [Fact]
    public async Task Two_pools_that_ask_again_and_again_never_share_a_port()
    {
        await using var memory = new InMemoryLeaseStore(new ManualTime());
        Holder[] all = await StartAsync(memory, 3, Options(spanSize: 1));
        int preferred = all[0].Pool.PreferredPort(Key);
        for (int round = 0; round < 100; round++)
        {
            int[] ports = await AskAsync(all);
            Assert.Equal((preferred, all.Length), (ports.Min(), ports.Distinct().Count()));
            Assert.All(ports, port => Assert.InRange(port, preferred, preferred + (2 * all.Length) - 1));
            for (int i = 0; i < all.Length; i++)
            {
                all[i].Pool.Free(ports[i]);
            }
        }

        await EndAsync(all, memory);
    }

    /// <summary>There is one port, and it is the key's: one has it, and the others wait. Whoever goes leaves it to one of them, also if the
    /// store does not say that there is room: then they ask in time (R9).</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_only_port_goes_from_one_to_the_next(bool saysRoom)
    {
        await using var memory = new InMemoryLeaseStore(new ManualTime());
        await using var store = new GatheringStore(memory) { SaysRoom = saysRoom };
        Holder[] all = await StartAsync(store, 3, Options(spanSize: 1, size: 1), ports: 1);
        store.Gather(all.Length);
        List<Task<int>> waiting = [.. all.Select(holder => Task.Run(() => PortAsync(holder.Pool).AsTask(), Token))];
        List<Holder> left = [.. all];
        while (waiting.Count > 0)
        {
            await Eventually.HoldsAsync(
                () => waiting.Exists(static task => task.IsCompleted),
                saysRoom ? null : () => left.ForEach(static holder => holder.Time.Advance(holder.Session.Options.RenewEvery)));
            Task<int> first = waiting.Find(static task => task.IsCompleted)!;
            Assert.Equal(5000, await first);
            int winner = waiting.IndexOf(first);
            Assert.All(waiting, task => Assert.True(task == first || !task.IsCompleted));
            await left[winner].Session.DisposeAsync();
            waiting.RemoveAt(winner);
            left.RemoveAt(winner);
        }

        await EndAsync(all, memory);
    }

    /// <summary>Who does not want to wait ends its search, and holds nothing.</summary>
    [Fact]
    public async Task Whoever_gives_up_leaves_the_port_to_the_other()
    {
        await using var memory = new InMemoryLeaseStore(new ManualTime());
        await using var store = new GatheringStore(memory);
        Holder[] all = await StartAsync(store, 2, Options(spanSize: 1));
        store.Gather(3);                                       // one more than come: none is answered
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task<int> given = all[0].Pool.AllocateAsync(Key, cancellationToken: end.Token).AsTask();
        Task<int> kept = PortAsync(all[1].Pool).AsTask();
        await store.HasGathered(2).WaitAsync(Token);
        await end.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
        store.LetGo();
        int port = await kept.WaitAsync(Token);
        Assert.InRange(port - all[1].Pool.PreferredPort(Key), 0, 1);       // the first's request may have been the store's first
        Assert.Equal((ushort)0, all[0].Pool.Arena.GetStatistics().InUse);
        all[1].Pool.Free(port);
        await all[0].Session.DisposeAsync();
        Assert.Equal(all[1].Pool.PreferredPort(Key), await PortAsync(all[1].Pool));
        await EndAsync(all, memory);
    }

    [Fact]
    public async Task Of_processes_that_ask_at_once_one_has_the_port_and_the_next_gets_it_when_that_is_killed()
    {
        using Child one = Child.Start(typeof(KeyRaceTests), nameof(Contender), _folder.FullName);
        using Child two = Child.Start(typeof(KeyRaceTests), nameof(Contender), _folder.FullName);
        Child[] both = [one, two];
        foreach (Child child in both)
        {
            Assert.Equal("0", await child.ReadAsync(Token));   // it is ready
        }

        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, Go), "", Token);
        int[] ports = [int.Parse(await one.ReadAsync(Token)), int.Parse(await two.ReadAsync(Token))];
        using PortPool range = new("range", 5000, 1024, new() { Checks = PortChecks.None });
        int preferred = range.PreferredPort(Key);
        Assert.Equal([preferred, preferred + 1], ports.Order());
        int winner = Array.IndexOf(ports, preferred);
        both[winner].Kill();
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, Gone), "", Token);
        Assert.Equal($"{preferred}", await both[1 - winner].ReadAsync(Token));
        await using var store = new SqliteLeaseStore(Path.Combine(_folder.FullName, Leases));
        Assert.Empty(await store.ValidateAsync(1, Token));
    }

    /// <summary>One of the processes. A file says when to ask, and another that the winner is gone.</summary>
    [Fact(Explicit = true)]
    public async Task Contender()
    {
        await using var store = new SqliteLeaseStore(Path.Combine(Child.Folder, Leases), new() { BusyTimeout = TimeSpan.FromMinutes(1) });
        LeaseSession session = await LeaseSession.OpenAsync(store, new() { Ttl = TimeSpan.FromHours(1) }, Token);
        PortPool pool = Pool(await LeasedArena<ushort>.OpenAsync(session, "ports", Options(spanSize: 1), Token), 1024);
        Console.WriteLine("0");
        await SeenAsync(Go);
        int port = await PortAsync(pool);
        Console.WriteLine(port);
        await SeenAsync(Gone);
        pool.Free(port);
        Console.WriteLine(await PortAsync(pool));
        await Task.Delay(Timeout.Infinite, Token);
    }

    private static async Task SeenAsync(string file)
    {
        while (!File.Exists(Path.Combine(Child.Folder, file)))
        {
            await Task.Delay(5, Token);
        }
    }

    private static async Task<Holder[]> StartAsync(LeaseStore store, int count, LeasedArenaOptions<ushort> options, int ports = 1024)
    {
        var all = new Holder[count];
        for (int i = 0; i < count; i++)
        {
            ManualTime time = new();
            LeaseSession session = await LeaseSession.OpenAsync(store, new() { Owner = $"{i}", TimeProvider = time }, Token);
            all[i] = new Holder(session, Pool(await LeasedArena<ushort>.OpenAsync(session, "ports", options, Token), ports), time);
        }

        return all;
    }

    private static Task<int[]> AskAsync(Holder[] all) =>
        Task.WhenAll(all.Select(holder => Task.Run(() => PortAsync(holder.Pool).AsTask(), Token)));

    private static async Task EndAsync(Holder[] all, InMemoryLeaseStore store)
    {
        foreach (Holder holder in all)
        {
            await holder.Session.DisposeAsync();
        }

        Assert.DoesNotContain(await store.ListAsync(1, Token), extent => extent.State == LeaseExtentState.Leased);
        Assert.Empty(await store.ValidateAsync(1, Token));
    }

    private static ValueTask<int> PortAsync(PortPool pool) => pool.AllocateAsync(Key, cancellationToken: Token);

    private static LeasedArenaOptions<ushort> Options(ushort spanSize, ushort size = 1024) =>
        new() { SpanSize = spanSize, Stock = 0, Definition = new() { Start = 5000, Size = size, Quarantine = TimeSpan.FromHours(1) } };

    private static PortPool Pool(LeasedArena<ushort> leased, int count) =>
        new("ports", 5000, count, new() { IsInUse = _ => false, Source = leased.Arena });

    private sealed record Holder(LeaseSession Session, PortPool Pool, ManualTime Time);

    /// <summary>Answers no grant before so many were asked for.</summary>
    private sealed class GatheringStore(LeaseStore store) : ForwardingStore(store)
    {
        private readonly LeaseStore _store = store;
        private readonly Lock _lock = new();
        private readonly List<(int Count, TaskCompletionSource Reached)> _watched = [];
        private TaskCompletionSource _open = Completed();
        private int _asked;
        private int _wanted;

        public bool SaysRoom { get; init; } = true;

        public override IDisposable? WatchRoom(int arena, Action mayHaveRoom) => SaysRoom ? _store.WatchRoom(arena, mayHaveRoom) : null;

        public void Gather(int wanted)
        {
            lock (_lock)
            {
                (_asked, _wanted, _open) = (0, wanted, New());
            }
        }

        public Task HasGathered(int count)
        {
            lock (_lock)
            {
                if (_asked >= count)
                {
                    return Task.CompletedTask;
                }

                TaskCompletionSource reached = New();
                _watched.Add((count, reached));
                return reached.Task;
            }
        }

        public void LetGo() => _open.TrySetResult();

        public override async ValueTask<LeaseAnswer> GrantAsync(LeaseRequest request, CancellationToken cancellationToken = default)
        {
            Task open;
            lock (_lock)
            {
                _asked++;
                _watched.FindAll(watch => watch.Count <= _asked).ForEach(static watch => watch.Reached.TrySetResult());
                open = _open.Task;
                if (_asked >= _wanted)
                {
                    _open.TrySetResult();
                }
            }

            await open.WaitAsync(cancellationToken);
            return await base.GrantAsync(request, cancellationToken);
        }

        private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);

        private static TaskCompletionSource Completed()
        {
            TaskCompletionSource source = New();
            source.SetResult();
            return source;
        }
    }
}
