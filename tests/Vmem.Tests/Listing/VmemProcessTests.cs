using System.Globalization;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Tests.Listing;

/// <summary>What the process says of itself. Other tests' arenas are there too: each test looks for its own names. Alone: a list keeps all
/// arenas of the process alive, and others look whether what they dropped is collected.</summary>
[Collection(nameof(Caching.Alone))]
public class VmemProcessTests
{
    [Fact]
    public void An_arena_of_any_type_says_what_it_is()
    {
        using Arena<ulong> below = new("listed below", 0, 1 << 20, 4_096);
        ArenaOptions<ulong> options = new() { Source = below, Policy = FitPolicy.BestFit, Limit = 1 << 18, Audit = true };
        using Arena<ulong> above = new("listed above", 16, options);
        ulong start = above.Allocate(100);
        ArenaView view = Assert.Single(VmemProcess.Arenas, static view => view.Name == "listed above");
        Assert.Same(above, view.Arena);
        Assert.Same(below, view.Source);
        Assert.Equal((typeof(ulong), (UInt128)16, FitPolicy.BestFit, (UInt128)(1 << 18), (UInt128)0),
            (view.ValueType, view.Quantum, view.Policy, view.Limit, view.QuantumCacheMax));
        Assert.Equal((1, true, false), (view.Instance, view.IsAudited, view.IsSingleThreaded));
        Assert.True(view.TryGetStatistics(out ArenaStatistics<UInt128> figures));
        Assert.Equal(((UInt128)4_096, (UInt128)112, (UInt128)3_984), (figures.TotalSize, figures.InUse, figures.LargestFree));
        AuditReport<UInt128> report = Assert.IsType<AuditReport<UInt128>>(view.GetAuditReport());
        Assert.Equal((1, (UInt128)112), (report.Ranges, report.Size));
        Assert.Contains("112 of 4096", view.ToString(), StringComparison.Ordinal);
        above.Free(start, 100);
        above.Dispose();
        Assert.False(view.TryGetStatistics(out _));
        Assert.Null(view.GetAuditReport());
        Assert.DoesNotContain(VmemProcess.Arenas, static view => view.Name == "listed above");
    }

    /// <summary>Each figure is carried over, whatever is added to the statistics later.</summary>
    [Fact]
    public void A_view_has_every_figure_of_its_arena()
    {
        using Arena<uint> below = new("figures below", 0, 1 << 20, 64);
        using Arena<uint> arena = new("figures", 1, new ArenaOptions<uint> { Source = below, QuantumCacheMax = 8 });
        uint cached = arena.Allocate(4);
        _ = arena.Allocate(3);
        arena.Free(cached, 4);
        arena.Free(arena.Allocate(400), 400);
        arena.FreeAfter(arena.Allocate(70), 70, TimeSpan.FromDays(1));
        Assert.False(arena.TryAllocate(1 << 25, out _));
        ArenaView view = Assert.Single(VmemProcess.Arenas, view => view.Arena == arena);
        Assert.True(view.TryGetStatistics(out ArenaStatistics<UInt128> wide));
        ArenaStatistics<uint> figures = arena.GetStatistics();
        foreach (System.Reflection.PropertyInfo property in typeof(ArenaStatistics<uint>).GetProperties())
        {
            object? expected = property.GetValue(figures);
            object? found = typeof(ArenaStatistics<UInt128>).GetProperty(property.Name)!.GetValue(wide);
            Assert.Equal(expected is uint amount ? (UInt128)amount : expected, found);
        }
    }

    [Fact]
    public void Arenas_of_one_name_bear_numbers()
    {
        using Arena<byte> first = new("listed twins", 0, 10, 1);
        using Arena<ushort> second = new("listed twins", 0, 10, 1);
        int[] instances = [.. VmemProcess.Arenas.Where(static view => view.Name == "listed twins").Select(static view => view.Instance)];
        Assert.Equal([1, 2], instances);
    }

    /// <summary>A single-threaded arena has no lock: its tables are left alone.</summary>
    [Fact]
    public void Of_a_single_threaded_arena_no_table_is_read()
    {
        using Arena<ulong> arena = new("listed alone", 0, 1_000, 1, new ArenaOptions<ulong> { SingleThreaded = true });
        ulong first = arena.Allocate(10);
        _ = arena.Allocate(10);
        arena.Free(first, 10);
        ArenaView view = Assert.Single(VmemProcess.Arenas, view => view.Arena == arena);
        Assert.True(view.TryGetStatistics(out ArenaStatistics<UInt128> figures));
        Assert.Equal(((UInt128)990, (UInt128)990), (figures.Free, figures.LargestFree));
        Assert.True(view.IsSingleThreaded);
        Assert.Null(view.CreateMap(10));
        Assert.Empty(view.GetWaits(10, out int count));
        Assert.Equal(0, count);
    }

    [Fact]
    public async Task Waits_are_seen_with_their_age()
    {
        ManualTime time = new();
        using Arena<uint> arena = new("listed waits", 0, 10, 1, new ArenaOptions<uint> { TimeProvider = time });
        uint all = arena.Allocate(10);
        Task<uint> first = arena.AllocateAsync(3, TestContext.Current.CancellationToken).AsTask();
        time.Advance(TimeSpan.FromSeconds(7));
        Task<uint> second = arena.AllocateAsync(4, TestContext.Current.CancellationToken).AsTask();
        time.Advance(TimeSpan.FromSeconds(2));
        ArenaView view = Assert.Single(VmemProcess.Arenas, view => view.Arena == arena);
        ArenaWait[] waits = [.. view.GetWaits(10, out int count)];
        Assert.Equal(2, count);
        Assert.Equal([((UInt128)3, TimeSpan.FromSeconds(9)), (4, TimeSpan.FromSeconds(2))],
            waits.Select(static wait => (wait.Size, wait.Age)));
        Assert.Single(view.GetWaits(1, out count));
        Assert.Equal(2, count);
        arena.Free(all, 10);
        _ = (await first, await second);
        Assert.Empty(view.GetWaits(10, out count));
        Assert.Equal(0, count);
        Assert.Throws<ArgumentOutOfRangeException>(() => view.GetWaits(-1, out _));
    }

    [Fact]
    public void Buddies_and_object_caches_are_listed_too()
    {
        BuddyAllocator<ushort> buddy = new(0, 1_024, 16, 512, new BuddyAllocatorOptions { Name = "listed buddy" });
        _ = buddy.Allocate(100);
        BuddyView view = Assert.Single(VmemProcess.Buddies, static view => view.Name == "listed buddy");
        BuddyStatistics<UInt128> figures = view.GetStatistics();
        foreach (System.Reflection.PropertyInfo property in typeof(BuddyStatistics<ushort>).GetProperties())
        {
            object? expected = property.GetValue(buddy.GetStatistics());
            object? found = typeof(BuddyStatistics<UInt128>).GetProperty(property.Name)!.GetValue(figures);
            Assert.Equal(expected is ushort amount ? (UInt128)amount : expected, found);
        }

        Assert.Same(buddy, view.Allocator);
        Assert.Equal((typeof(ushort), 1), (view.ValueType, view.Instance));
        ObjectCache<List<int>> cache = new("listed cache", static () => []);
        _ = cache.Rent();
        ObjectCacheView listed = Assert.Single(VmemProcess.ObjectCaches, static view => view.Name == "listed cache");
        Assert.Equal((1, typeof(List<int>), 1L), (listed.Instance, listed.ObjectType, listed.GetStatistics().Rented));
        Assert.Same(cache, listed.Cache);
        cache.Dispose();
        Assert.DoesNotContain(VmemProcess.ObjectCaches, static view => view.Name == "listed cache");
    }

    [Fact]
    public void The_dump_is_a_tree()
    {
        using Arena<ulong> below = new("dumped below", 0, 1 << 20, 4_096);
        using Arena<ulong> above = new("dumped above", 1, new ArenaOptions<ulong> { Source = below });
        _ = above.Allocate(5);
        using StringWriter writer = new(CultureInfo.InvariantCulture);
        using (VmemProcess.AddToDump(static writer => writer.WriteLine("added once")))
        {
            VmemProcess.Dump(writer);
        }

        string[] lines = writer.ToString().Split(Environment.NewLine);
        int place = Array.FindIndex(lines, static line => line.StartsWith("dumped below ", StringComparison.Ordinal));
        Assert.InRange(place, 0, lines.Length);
        Assert.StartsWith("  dumped above ", lines[place + 1], StringComparison.Ordinal);
        Assert.Contains("added once", lines);
        using StringWriter later = new(CultureInfo.InvariantCulture);
        VmemProcess.Dump(later);
        Assert.DoesNotContain("added once", later.ToString(), StringComparison.Ordinal);
    }

    /// <summary>The copy in which the moves of a plan are tried is no arena of the process.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(56)]
    public void A_plan_lists_no_arena(ulong wanted)
    {
        using Arena<ulong> arena = new("listed holes", 0, 100, 1);
        arena.AllocateAtMany(
            [new(0, 10, SegmentKind.Allocated), new(20, 10, SegmentKind.Allocated), new(35, 10, SegmentKind.Allocated)]);
        List<string> seen = [];
        IReadOnlyList<RangeMove<ulong>> moves = arena.PlanDefragmentation(new()
        {
            Wanted = wanted,
            ConstraintsOf = _ =>
            {
                seen.AddRange(VmemProcess.Arenas.Select(static view => view.Name));
                return default;
            },
        });
        Assert.NotEmpty(moves);
        Assert.Contains(arena.Name, seen);
        Assert.DoesNotContain("rehearsal", seen);
    }

    [Fact]
    public void The_list_keeps_nothing_alive()
    {
        WeakReference dropped = Drop();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.False(dropped.IsAlive);
        Assert.DoesNotContain(VmemProcess.Arenas, static view => view.Name == "listed and dropped");
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static WeakReference Drop()
    {
        Arena<uint> arena = new("listed and dropped", 0, 10, 1);
        Assert.Contains(VmemProcess.Arenas, view => view.Arena == arena);
        return new WeakReference(arena);
    }
}
