using Vmem.Leasing.Memory;

namespace Vmem.Leasing.Tests.Stores;

/// <summary>The state machine alone, at exact times and with claims that no store would make.</summary>
public sealed class LeaseMachineTests
{
    private const long Term = 30 * TimeSpan.TicksPerSecond;

    private readonly LeaseMachine _machine = new();
    private readonly Guid _session = Guid.NewGuid();

    /// <summary>At the very end of a session's term it is as if it were later: a pruning up to then leaves it.</summary>
    [Fact]
    public void A_session_is_pruned_when_its_end_is_before()
    {
        Ensure(1000, 64);
        _machine.Open(_session, "one", TimeSpan.FromTicks(Term), 0, 0);
        _machine.Close(_session, clean: true, 1);
        _machine.Prune(Term);
        Assert.Throws<LeaseSessionException>(() => _machine.Open(_session, "twin", TimeSpan.FromTicks(Term), 0, 2));
        _machine.Prune(Term + 1);
        _machine.Open(_session, "again", TimeSpan.FromTicks(Term), 0, 3);
    }

    /// <summary>It may still be heard again.</summary>
    [Fact]
    public void A_session_that_is_only_silent_is_not_pruned()
    {
        LeaseArena arena = Ensure(1000, 64);
        _machine.Open(_session, "one", TimeSpan.FromTicks(Term), 0, 0);
        _machine.Sweep(arena.Id, Term + 1);
        _machine.Prune(Term + 2);
        Assert.NotNull(_machine.Renew(_session, 0, Term + 3));
    }

    /// <summary>A fence as high as the last that was given may have been given; none above it.</summary>
    [Fact]
    public void A_fence_above_the_last_is_no_lease()
    {
        LeaseArena arena = Ensure(1000, 64);
        _machine.Open(_session, "one", TimeSpan.FromTicks(Term), 0, 0);
        _machine.Promote(1, 0);
        LeaseClaim claim = new(arena.Id, _session, 1000, 8, 1_000_000_001, Guid.NewGuid());
        Assert.Equal(LeaseReassertion.Taken, _machine.Reassert(claim, 1));
        Assert.Equal(LeaseReassertion.Reinstated, _machine.Reassert(claim with { Fence = 1_000_000_000 }, 1));
    }

    /// <summary>The next multiple of the alignment is no value any more.</summary>
    [Fact]
    public void An_alignment_beyond_all_values_has_no_place()
    {
        LeaseArena arena = Ensure(UInt128.MaxValue - 9, 9);
        _machine.Open(_session, "one", TimeSpan.FromTicks(Term), 0, 0);
        LeaseRequest request = new(arena.Id, _session, Guid.NewGuid(), 1) { Align = 16 };
        Assert.Equal(LeaseVerdict.NoRoom, _machine.Grant(request, 1).Verdict);
        Assert.Equal(UInt128.MaxValue - 1, _machine.Grant(request with { Align = 2, Min = UInt128.MaxValue - 2 }, 1).Claim!.Start);
    }

    [Fact]
    public void An_arena_has_a_name() => Assert.Throws<ArgumentException>("name", () => _machine.Ensure("", null, 0));

    [Fact]
    public void The_audit_tells_of_a_hold()
    {
        LeaseArena arena = Ensure(1000, 64);
        _machine.Promote(3, 5);
        LeaseAuditEntry entry = Assert.Single(_machine.AuditOf(arena.Id, 0, 10, static ticks => new DateTimeOffset(ticks, TimeSpan.Zero)));
        Assert.Equal((LeaseEvent.Hold, "incarnation 4", 5L), (entry.Event, entry.Detail, entry.At.Ticks));
    }

    private LeaseArena Ensure(UInt128 start, UInt128 size) => _machine.Ensure("ids", new LeaseDefinition
    {
        Start = start,
        Size = size,
        Type = "UInt128",
        Quarantine = TimeSpan.FromTicks(Term),
    }, 0);
}
