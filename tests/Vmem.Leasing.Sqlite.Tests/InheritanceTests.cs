using Vmem.Leasing.Sqlite.Tests.Processes;

namespace Vmem.Leasing.Sqlite.Tests;

/// <summary>Sessions with a name: what one leaves, the next inherits.</summary>
public sealed class InheritanceTests : IDisposable
{
    private static readonly LeaseSessionOptions s_named = new() { Owner = "tests", Name = "web", Ttl = TimeSpan.FromMinutes(5) };

    private readonly TempFile _file = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static LeasedArenaOptions<ushort> Ports => new() { SpanSize = 16, Stock = 0, Definition = new() { Start = 20000, Size = 64 } };

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task After_a_restart_the_program_says_what_lives_and_the_rest_is_handed_out_again()
    {
        LeasedRange<ushort> kept, dropped;
        await using (var store = new SqliteLeaseStore(_file.Path))
        await using (LeaseSession session = await LeaseSession.OpenAsync(store, s_named, Token))
        {
            LeasedArena<ushort> ports = await LeasedArena<ushort>.OpenAsync(session, "ports", Ports, Token);
            Assert.Empty(ports.Inherited);
            dropped = await ports.AllocateAsync(4, default, Token);
            kept = await ports.AllocateAsync(4, default, Token);
        }

        await using var again = new SqliteLeaseStore(_file.Path);
        await using LeaseSession heir = await LeaseSession.OpenAsync(again, s_named, Token);
        LeasedArena<ushort> inherited = await LeasedArena<ushort>.OpenAsync(heir, "ports", Ports, Token);
        LeasedRange<ushort> span = Assert.Single(inherited.Inherited);
        Assert.Equal((dropped.Start, (ushort)16), (span.Start, span.Size));
        Assert.InRange(span.Fence, kept.Fence + 1, long.MaxValue);
        LeasedRange<ushort> fresh = await inherited.AllocateAsync(1, default, Token);
        Assert.False(fresh.Start >= span.Start && fresh.Start < span.Start + span.Size);         // nothing of it before it is restored

        LeasedRange<ushort> live = Assert.Single(inherited.Restore([kept]));
        Assert.Equal(kept with { Fence = span.Fence }, live);
        HashSet<ushort> seen = [fresh.Start];
        for (int i = 0; i < 59; i++)
        {
            LeasedRange<ushort> port = await inherited.AllocateAsync(1, default, Token);
            Assert.True(seen.Add(port.Start));
            Assert.False(port.Start >= live.Start && port.Start < live.Start + live.Size);
        }

        inherited.Free(live, clean: true);
        Assert.Equal(live.Start, (await inherited.AllocateAsync(4, default, Token)).Start);
        inherited.Arena.Validate();
        Assert.Throws<InvalidOperationException>(() => inherited.Restore([]));
        Assert.Empty(await again.ValidateAsync(1, Token));
    }

    [Fact]
    public async Task A_name_is_one_living_processes()
    {
        await using var one = new SqliteLeaseStore(_file.Path);
        await using LeaseSession first = await LeaseSession.OpenAsync(one, s_named, Token);
        await using var other = new SqliteLeaseStore(_file.Path);
        LeaseSessionException refused = await Assert.ThrowsAsync<LeaseSessionException>(
            () => LeaseSession.OpenAsync(other, s_named, Token));
        Assert.Contains("'web' is in use", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<LeaseSessionException>(() => LeaseSession.OpenAsync(one, s_named, Token));
        await using LeaseSession second = await LeaseSession.OpenAsync(other, s_named with { Name = "api" }, Token);
        Assert.True(first.IsValid && second.IsValid);
    }

    [Fact]
    public async Task A_restoration_of_what_was_not_left_changes_nothing()
    {
        await LeaveAsync();
        await using var store = new SqliteLeaseStore(_file.Path);
        await using LeaseSession heir = await LeaseSession.OpenAsync(store, s_named, Token);
        LeasedArena<ushort> ports = await LeasedArena<ushort>.OpenAsync(heir, "ports", Ports, Token);
        LeasedRange<ushort> span = ports.Inherited[0];
        LeasedRange<ushort>[][] wrong =
        [
            [new(10, 1, 0)],
            [span with { Start = (ushort)(span.Start + 8) }],
            [span with { Size = 4 }, span with { Start = (ushort)(span.Start + 3), Size = 4 }],
            [span with { Size = 0 }],
        ];
        Assert.All(wrong, ranges => Assert.Throws<ArgumentException>(() => ports.Restore(ranges)));
        Assert.Equal([span], ports.Restore([span]));
    }

    [Fact]
    public async Task What_is_not_restored_is_left_to_the_next()
    {
        await LeaveAsync();
        for (int i = 0; i < 2; i++)
        {
            await using var store = new SqliteLeaseStore(_file.Path);
            await using LeaseSession heir = await LeaseSession.OpenAsync(store, s_named, Token);
            LeasedArena<ushort> ports = await LeasedArena<ushort>.OpenAsync(heir, "ports", Ports, Token);
            Assert.Single(ports.Inherited);
        }

        await using var last = new SqliteLeaseStore(_file.Path);
        await using LeaseSession never = await LeaseSession.OpenAsync(last, s_named, Token);
        Assert.Single(await last.GetHeldAsync(never.Instance, Token));               // though its arena was not opened
        Assert.Empty(await last.ValidateAsync(1, Token));
    }

    [Fact]
    public async Task A_process_that_was_killed_leaves_its_spans_to_the_next_of_its_name_and_to_nobody_else()
    {
        using Child child = Child.Start(typeof(InheritanceTests), nameof(Holder), _file.Folder);
        string said = await child.ReadAsync(Token);
        child.Kill();
        await using var store = new SqliteLeaseStore(_file.Path);
        await using LeaseSession other = await LeaseSession.OpenAsync(store, s_named with { Name = null }, Token);
        Assert.Equal(UInt128.Zero, await store.SweepAsync(1, Token));                // kept, though its holder is dead
        await using LeaseSession heir = await LeaseSession.OpenAsync(store, s_named, Token);
        LeasedArena<ushort> ports = await LeasedArena<ushort>.OpenAsync(heir, "ports", Ports, Token);
        Assert.Equal(said, string.Join(' ', ports.Inherited.Select(span => span.Start)));
        Assert.Empty(await store.ValidateAsync(1, Token));
    }

    /// <summary>A store that cannot know who is dead refuses names.</summary>
    [Fact]
    public async Task In_memory_there_are_no_names()
    {
        await using var store = new InMemoryLeaseStore();
        NotSupportedException refused = await Assert.ThrowsAsync<NotSupportedException>(
            () => LeaseSession.OpenAsync(store, s_named, Token));
        Assert.Contains("SqliteLeaseStore", refused.Message, StringComparison.Ordinal);
        Assert.Empty(await store.ListSessionsAsync(Token));
    }

    /// <summary>Holds a port until it is killed.</summary>
    [Fact(Explicit = true)]
    public async Task Holder()
    {
        var store = new SqliteLeaseStore(Path.Combine(Child.Folder, "leases.db"));
        LeaseSession session = await LeaseSession.OpenAsync(store, s_named, Token);
        LeasedArena<ushort> ports = await LeasedArena<ushort>.OpenAsync(session, "ports", Ports, Token);
        LeasedRange<ushort> port = await ports.AllocateAsync(1, default, Token);
        await Console.Out.WriteLineAsync($"{port.Start}");
        await Task.Delay(Timeout.Infinite, Token);
    }

    private async Task LeaveAsync()
    {
        await using var store = new SqliteLeaseStore(_file.Path);
        await using LeaseSession session = await LeaseSession.OpenAsync(store, s_named, Token);
        LeasedArena<ushort> ports = await LeasedArena<ushort>.OpenAsync(session, "ports", Ports, Token);
        await ports.AllocateAsync(4, default, Token);
    }
}
