using Vmem.Leasing.Sqlite.Tests.Processes;
using Vmem.Testing.Time;

namespace Vmem.Leasing.Sqlite.Tests;

/// <summary>Sessions with a name: what one leaves, the next inherits.</summary>
public sealed class InheritanceTests : IDisposable
{
    private static readonly LeaseSessionOptions s_named = new() { Owner = "tests", Name = "web", Ttl = TimeSpan.FromMinutes(5) };

    /// <summary>A time in the year 2286.</summary>
    private const long Reserved = 9_999_999_999_999;

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

    /// <summary>What was freed and may still be in use is forgotten with the process: all that is inherited goes through
    /// quarantine.</summary>
    [Fact]
    public async Task What_was_freed_before_a_restart_is_quarantined_after_it()
    {
        LeasedRange<ushort> kept;
        await using var store = new SqliteLeaseStore(_file.Path);
        await using (LeaseSession session = await LeaseSession.OpenAsync(store, s_named, Token))
        {
            LeasedArena<ushort> ports = await LeasedArena<ushort>.OpenAsync(session, "ports", Ports, Token);
            kept = await ports.AllocateAsync(4, default, Token);
            ports.Free(await ports.AllocateAsync(4, default, Token));
        }

        await using LeaseSession heir = await LeaseSession.OpenAsync(store, s_named, Token);
        LeasedArena<ushort> inherited = await LeasedArena<ushort>.OpenAsync(heir, "ports", Ports, Token);
        inherited.Free(Assert.Single(inherited.Restore([kept])), clean: true);
        await Eventually.HoldsAsync(async () => (await store.GetUsageAsync(1, Token)).Leased == 0);
        Assert.Equal((UInt128)16, (await store.GetUsageAsync(1, Token)).Quarantined);
    }

    [Fact]
    public async Task What_the_limit_has_no_room_for_is_not_restored_in_part()
    {
        LeasedRange<ushort>[] left = await LeaveAsync(spans: 3);
        await using var store = new SqliteLeaseStore(_file.Path);
        await using LeaseSession heir = await LeaseSession.OpenAsync(store, s_named, Token);
        await using (LeasedArena<ushort> tight = await LeasedArena<ushort>.OpenAsync(
            heir, "ports", Ports with { Arena = new() { Limit = 40 } }, Token))
        {
            InvalidOperationException refused = Assert.Throws<InvalidOperationException>(() => tight.Restore(left));
            Assert.Contains("ArenaOptions.Limit", refused.Message, StringComparison.Ordinal);
            Assert.Equal(0, tight.Arena.GetStatistics().TotalSize);
        }

        LeasedArena<ushort> ports = await LeasedArena<ushort>.OpenAsync(heir, "ports", Ports, Token);
        Assert.Equal(left.Select(static range => range.Start), ports.Restore(left).Select(static range => range.Start));
    }

    /// <summary>The program took a place of an inherited span before it restored: what was not restored goes to the next of the
    /// name.</summary>
    [Fact]
    public async Task What_a_failed_restoration_did_not_come_to_is_kept()
    {
        LeasedRange<ushort>[] left = await LeaveAsync(spans: 3);
        await using var store = new SqliteLeaseStore(_file.Path);
        await using LeaseSession heir = await LeaseSession.OpenAsync(store, s_named, Token);
        await using (LeasedArena<ushort> ports = await LeasedArena<ushort>.OpenAsync(heir, "ports", Ports, Token))
        {
            ports.Arena.AddSpan((ushort)(ports.Inherited[1].Start + 4), 4);
            Assert.ThrowsAny<InvalidOperationException>(() => ports.Restore(left));
        }

        LeasedArena<ushort> again = await LeasedArena<ushort>.OpenAsync(heir, "ports", Ports, Token);
        IEnumerable<ushort> kept = again.Inherited.Select(static span => span.Start);
        Assert.Equal([left[0].Start, left[2].Start], kept.Where(start => start != left[1].Start));
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

    /// <summary>A worker ID is its process's own: the next of the name gets the same, and waits for the times that the last may have
    /// used.</summary>
    [Fact]
    public async Task The_worker_IDs_of_a_process_that_was_killed_come_back_with_their_watermarks()
    {
        using Child child = Child.Start(typeof(InheritanceTests), nameof(WorkerHolder), _file.Folder);
        string said = await child.ReadAsync(Token);
        long before = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        child.Kill();
        for (int life = 0; life < 2; life++)                   // the second time after a clean stop of a session that leased nothing
        {
            await using var store = new SqliteLeaseStore(_file.Path);
            await using LeaseSession heir = await LeaseSession.OpenAsync(store, s_named, Token);
            Assert.Equal(2, (await store.GetHeldAsync(heir.Instance, Token)).Count);
        }

        await using var again = new SqliteLeaseStore(_file.Path);
        await using LeaseSession session = await LeaseSession.OpenAsync(again, s_named, Token);
        WorkerId marked = await WorkerId.LeaseAsync(session, "workers", 4, Token);
        WorkerId unmarked = await WorkerId.LeaseAsync(session, "workers", 4, Token);
        WorkerId other = await WorkerId.LeaseAsync(session, "workers", 4, Token);
        Assert.Equal(said, $"{marked.Value} {unmarked.Value}");
        Assert.Equal(Reserved, marked.Watermark);
        Assert.InRange(unmarked.Watermark!.Value, before, Reserved - 1);
        Assert.NotEqual(unmarked.Fence, marked.Fence);
        Assert.Null(other.Watermark);
        Assert.Equal(3, (await again.GetHeldAsync(session.Instance, Token)).Count);
        await marked.DisposeAsync();
        Assert.Equal((UInt128)14, (await again.GetUsageAsync(1, Token)).Free);
        Assert.Empty(await again.ValidateAsync(1, Token));
    }

    /// <summary>Somebody took the inherited span away before it was restored: the program is told, and restores nothing of it.</summary>
    [Fact]
    public async Task An_inherited_span_that_is_lost_is_told_of_and_not_restored()
    {
        await LeaveAsync();
        var time = new ManualTime();
        await using var store = new SqliteLeaseStore(_file.Path, new SqliteLeaseStoreOptions { TimeProvider = time });
        await using LeaseSession heir = await LeaseSession.OpenAsync(store, s_named with { TimeProvider = time }, Token);
        LeasedArena<ushort> ports = await LeasedArena<ushort>.OpenAsync(heir, "ports", Ports, Token);
        List<RangeLost<ushort>> lost = [];
        ports.RangeLost += lost.Add;
        LeasedRange<ushort> span = Assert.Single(ports.Inherited);
        LeaseClaim claim = Assert.Single(await store.GetHeldAsync(heir.Instance, Token));
        Assert.True(await store.ReleaseAsync(claim, clean: false, null, Token));
        time.Advance(s_named.Ttl / 3);            // to its renewal, and no further: the session itself is not to be lost
        await Eventually.HoldsAsync(() => lost.Count > 0);
        Assert.Equal(span, Assert.Single(lost).Range);
        Assert.Empty(ports.Restore([span]));
        Assert.True(heir.IsValid);
        ports.Arena.Validate();
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

    /// <summary>Holds two worker IDs, one with a reservation, until it is killed.</summary>
    [Fact(Explicit = true)]
    public async Task WorkerHolder()
    {
        var store = new SqliteLeaseStore(Path.Combine(Child.Folder, "leases.db"));
        LeaseSession session = await LeaseSession.OpenAsync(store, s_named, Token);
        WorkerId marked = await WorkerId.LeaseAsync(session, "workers", 4, Token);
        WorkerId unmarked = await WorkerId.LeaseAsync(session, "workers", 4, Token);
        await marked.ReserveAsync(Reserved);
        await Console.Out.WriteLineAsync($"{marked.Value} {unmarked.Value}");
        await Task.Delay(Timeout.Infinite, Token);
    }

    /// <summary>A session that ends, with something in each of its spans.</summary>
    private async Task<LeasedRange<ushort>[]> LeaveAsync(int spans = 1)
    {
        await using var store = new SqliteLeaseStore(_file.Path);
        await using LeaseSession session = await LeaseSession.OpenAsync(store, s_named, Token);
        LeasedArena<ushort> ports = await LeasedArena<ushort>.OpenAsync(session, "ports", Ports, Token);
        var left = new LeasedRange<ushort>[spans];
        for (int i = 0; i < spans; i++)
        {
            left[i] = await ports.AllocateAsync(spans == 1 ? (ushort)4 : (ushort)16, default, Token);
        }

        return left;
    }
}
