using Vmem.Diagnostics;
using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Tests.Auditing;

/// <summary>An audited arena finds each mistake by name, whichever way the range was allocated, of sizes that would be cached too; the
/// message says who and where; nothing is changed.</summary>
public class MistakeTests
{
    private const uint Cached = 16;               // a would-be QuantumCacheMax

    public enum Way
    {
        Allocate,
        Policy,
        Constrained,
        Many,
        Handle,
        ConstrainedHandle,
    }

    public static TheoryData<Way, uint> Ways
    {
        get
        {
            TheoryData<Way, uint> ways = [];
            foreach (Way way in Enum.GetValues<Way>())
            {
                ways.Add(way, 1);
                ways.Add(way, Cached);
                ways.Add(way, Cached + 1);
                ways.Add(way, 200);
            }

            return ways;
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_double_free_says_who_allocated_who_freed_first_and_who_frees_now(Way way, uint size)
    {
        using Arena<uint> arena = Make();
        uint start = AllocateHere(arena, way, size);
        FreeFirstHere(arena, way, start, size);
        InvalidFreeException wrong = Refused(arena, () => FreeAgainHere(arena, way, start, size), InvalidFreeReason.AlreadyFree);
        AssertInOrder(wrong.Message, nameof(AllocateHere), "It was freed", nameof(FreeFirstHere), "The attempt was made", nameof(FreeAgainHere));
        Assert.Contains($"by thread {Environment.CurrentManagedThreadId}", wrong.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void A_wrong_size_names_the_owner(Way way, uint size)
    {
        using Arena<uint> arena = Make();
        uint start = AllocateHere(arena, way, size);
        InvalidFreeException wrong = Refused(arena, () => Free(arena, way, start, size + 1), InvalidFreeReason.WrongSize);
        AssertInOrder(wrong.Message, $"The range of {size} at {start} was allocated", nameof(AllocateHere));
        Free(arena, way, start, size);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void An_interior_address_names_the_owner(Way way, uint size)
    {
        using Arena<uint> arena = Make();
        uint start = AllocateHere(arena, way, size + 1);
        InvalidFreeException wrong = Refused(arena, () => Free(arena, way, start + 1, size), InvalidFreeReason.InteriorAddress);
        AssertInOrder(wrong.Message, $"The range of {size + 1} at {start} was allocated", nameof(AllocateHere));
        Free(arena, way, start, size + 1);
    }

    [Theory]
    [InlineData(5u, InvalidFreeReason.NotAllocated)]
    [InlineData(1_023u, InvalidFreeReason.AlreadyFree)]
    public void What_was_never_allocated_is_said_to_be_so(uint start, InvalidFreeReason reason)
    {
        using Arena<uint> arena = Make();
        AllocateHere(arena, Way.Allocate, Cached);
        Assert.Contains($"{start} was never allocated.", Refused(arena, () => arena.Free(start, 1), reason).Message, StringComparison.Ordinal);
        Assert.Contains($"{start} was never allocated.", Refused(arena, () => arena.FreeConstrained(start, 1), reason).Message, StringComparison.Ordinal);
        Assert.Contains($"{start} was never allocated.", Refused(arena, () => arena.FreeMany([start], 1), reason).Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public void Free_and_FreeConstrained_are_not_mixed_up(Way way, uint size)
    {
        using Arena<uint> arena = Make();
        uint start = AllocateHere(arena, way, size);
        switch (way)
        {
            case Way.Allocate or Way.Policy or Way.Many:
                Assert.Contains(
                    nameof(AllocateHere),
                    Refused(arena, () => arena.FreeConstrained(start, size), InvalidFreeReason.WrongCall).Message,
                    StringComparison.Ordinal);
                arena.Free(start, size);
                break;
            case Way.Constrained:
                Assert.Contains(
                    nameof(AllocateHere),
                    Refused(arena, () => arena.Free(start, size), InvalidFreeReason.WrongCall).Message,
                    StringComparison.Ordinal);
                Refused(arena, () => arena.FreeMany([start], size), InvalidFreeReason.WrongCall);
                arena.FreeConstrained(start, size);
                break;
            case Way.Handle:
                arena.Free(start, size);
                break;
            default:
                arena.FreeConstrained(start, size);
                break;
        }

        Assert.Equal(0, arena.GetAuditReport().Ranges);
        arena.Validate();
    }

    [Fact]
    public void A_batch_with_one_mistake_frees_nothing()
    {
        using Arena<uint> arena = Make();
        uint[] starts = new uint[4];
        Assert.Equal(4, arena.TryAllocateMany(Cached, starts));
        uint constrained = arena.AllocateConstrained(Cached, new() { Align = 64 });
        Refused(arena, () => arena.FreeMany([.. starts, constrained], Cached), InvalidFreeReason.WrongCall);
        Refused(arena, () => arena.FreeMany([.. starts, starts[0]], Cached), InvalidFreeReason.AlreadyFree);
        Refused(arena, () => arena.FreeMany([.. starts, 1_000], Cached), InvalidFreeReason.AlreadyFree);
        arena.FreeMany(starts, Cached);
        Assert.Equal(1, arena.GetAuditReport().Ranges);
        Assert.Contains(
            "It was freed (FreeMany)",
            Refused(arena, () => arena.Free(starts[0], Cached), InvalidFreeReason.AlreadyFree).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_stale_handle_tells_who_freed_and_the_default_handle_is_refused()
    {
        using Arena<uint> arena = Make();
        arena.TryAllocateHandle(Cached, out RangeHandle<uint> stale);
        FreeFirstHere(arena, stale);
        Assert.Contains(
            nameof(FreeFirstHere),
            Refused(arena, () => arena.Free(stale), InvalidFreeReason.AlreadyFree).Message,
            StringComparison.Ordinal);
        Refused(arena, () => arena.Free(default(RangeHandle<uint>)), InvalidFreeReason.NotAllocated);
        arena.TryAllocateHandle(Cached, out RangeHandle<uint> again);
        Assert.Equal(stale.Start, again.Start);
        Refused(arena, () => arena.Free(stale), InvalidFreeReason.AlreadyFree);
        arena.Free(again);
        arena.Validate();
    }

    [Fact]
    public void The_handle_of_another_arena_is_refused_audited_or_not()
    {
        using Arena<uint> arena = Make();
        using Arena<uint> audited = Make();
        using Arena<uint> plain = new("plain", 0, 1_024, 1);
        arena.TryAllocateHandle(8, out RangeHandle<uint> mine);
        audited.TryAllocateHandle(8, out RangeHandle<uint> other);
        plain.TryAllocateHandle(8, out RangeHandle<uint> unmarked);
        Refused(arena, () => arena.Free(other), InvalidFreeReason.AlreadyFree);
        Refused(arena, () => arena.Free(unmarked), InvalidFreeReason.AlreadyFree);
        Refused(plain, () => plain.Free(mine), InvalidFreeReason.AlreadyFree);
    }

    [Fact]
    public void A_range_that_was_resized_tells_by_whom()
    {
        using Arena<uint> arena = Make();
        uint start = AllocateHere(arena, Way.Allocate, 10);
        Assert.True(ExtendHere(arena, start));
        AssertInOrder(
            Refused(arena, () => arena.Free(start, 10), InvalidFreeReason.WrongSize).Message,
            nameof(AllocateHere),
            "Its size was changed (Extend)",
            nameof(ExtendHere));
        Assert.Equal(30u, Assert.Single(arena.GetAuditReport().Groups).Size);
        arena.Validate();
        arena.Free(start, 30);
    }

    [Fact]
    public void Threads_are_named()
    {
        using Arena<uint> arena = Make();
        uint start = 0;
        Thread worker = new(() => start = arena.Allocate(8)) { Name = "the owner" };
        worker.Start();
        worker.Join();
        Assert.Contains("'the owner'", Refused(arena, () => arena.Free(start, 9), InvalidFreeReason.WrongSize).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_free_that_the_history_has_forgotten_is_refused_and_says_so()
    {
        using Arena<uint> arena = Make();
        uint start = arena.Allocate(1);
        arena.Free(start, 1);
        for (int i = 0; i < Auditor<uint>.HistoryLength; i++)
        {
            arena.FreeConstrained(arena.AllocateConstrained(1, new() { Min = 1_000 }), 1);
        }

        Assert.Contains("none of the last 1024 frees", Refused(arena, () => arena.Free(start, 1), InvalidFreeReason.AlreadyFree).Message, StringComparison.Ordinal);
    }

    internal static Arena<uint> Make(FitPolicy policy = FitPolicy.FirstFit) =>
        new(
            "audited",
            16,
            1_008,
            1,
            new ArenaOptions<uint>
            {
                Audit = true,
                Policy = policy,
                QuantumCacheMax = policy is FitPolicy.NextFit or > FitPolicy.LastFit ? 0 : Cached,
            });

    internal static uint AllocateHere(Arena<uint> arena, Way way, uint size)
    {
        uint[] starts = new uint[1];
        RangeHandle<uint> handle;
        switch (way)
        {
            case Way.Allocate:
                return arena.Allocate(size);
            case Way.Policy:
                return arena.Allocate(size, FitPolicy.BestFit);
            case Way.Constrained:
                return arena.AllocateConstrained(size, new() { Align = 4 });
            case Way.Many:
                Assert.Equal(1, arena.TryAllocateMany(size, starts));
                return starts[0];
            case Way.Handle:
                Assert.True(arena.TryAllocateHandle(size, out handle));
                return handle.Start;
            default:
                Assert.True(arena.TryAllocateHandle(size, new() { Align = 4 }, FitPolicy.FirstFit, out handle));
                return handle.Start;
        }
    }

    private static void Free(Arena<uint> arena, Way way, uint start, uint size)
    {
        switch (way)
        {
            case Way.Constrained or Way.ConstrainedHandle:
                arena.FreeConstrained(start, size);
                break;
            case Way.Many:
                arena.FreeMany([start], size);
                break;
            default:
                arena.Free(start, size);
                break;
        }
    }

    private static void FreeFirstHere(Arena<uint> arena, Way way, uint start, uint size) => Free(arena, way, start, size);

    private static void FreeFirstHere(Arena<uint> arena, RangeHandle<uint> handle) => arena.Free(handle);

    private static void FreeAgainHere(Arena<uint> arena, Way way, uint start, uint size) => Free(arena, way, start, size);

    private static bool ExtendHere(Arena<uint> arena, uint start) => arena.TryExtend(start, 10, 30);

    private static InvalidFreeException Refused(Arena<uint> arena, Action call, InvalidFreeReason reason)
    {
        string before = ArenaPicture.Of(arena);
        InvalidFreeException wrong = Assert.Throws<InvalidFreeException>(call);
        Assert.Equal(reason, wrong.Reason);
        Assert.Equal(before, ArenaPicture.Of(arena));
        arena.Validate();
        return wrong;
    }

    private static void AssertInOrder(string message, params string[] parts)
    {
        int from = 0;
        foreach (string part in parts)
        {
            int at = message.IndexOf(part, from, StringComparison.Ordinal);
            Assert.True(at >= 0, $"'{part}' is missing, or out of order, in:\n{message}");
            from = at + part.Length;
        }
    }
}
