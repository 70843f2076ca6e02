namespace Vmem.Leasing.Tests.Model;

/// <summary>The protocol's timing rules, checked in every world of a small size. With any rule off there is a way to an overlap.</summary>
public class ProtocolModelTests
{
    private static readonly ProtocolRules s_all = new();

    /// <summary>Each is unsafe: the rule that is off is needed.</summary>
    [Theory]
    [InlineData("R1 off: a holder waits to be told")]
    [InlineData("R3 off: no quarantine, and a step of the clock")]
    [InlineData("R3 has a limit: two steps of the clock within one quarantine")]
    [InlineData("R4 off: no hold")]
    [InlineData("R4 off: no hold, and the grant was lost")]
    [InlineData("R4 half: a hold of one phase, and a step of the clock")]
    [InlineData("R5 off: who was past its deadline resumes")]
    public void Without_a_rule_two_hold_at_once(string name)
    {
        var explorer = new ProtocolExplorer(Off(name));
        IReadOnlyList<string>? path = explorer.FindOverlap();
        Assert.NotNull(path);
        Assert.NotEmpty(path);
        TestContext.Current.TestOutputHelper?.WriteLine($"{explorer.Worlds:N0} worlds: {string.Join("; ", path)}");
    }

    /// <summary>The numbers are those of another implementation of the same model, in another language.</summary>
    [Theory]
    [InlineData("no clock step, no failover, no quarantine", 41_326)]
    [InlineData("a clock step", 62_010)]
    [InlineData("a failover", 520_544)]
    public void With_the_rules_nobody_ever_holds_what_another_holds(string name, int worlds) => CheckSafe(Safe(name), worlds);

    [Theory]
    [Trait("Once", "Release")]
    [InlineData("a failover and a clock step, lapses not forgiven", 0)]
    [InlineData("a failover and a clock step", 2_959_125)]
    [InlineData("a failover that lost the grant, and a clock step", 5_156_496)]
    public void With_all_rules_nobody_ever_holds_what_another_holds(string name, int worlds) => CheckSafe(Safe(name), worlds);

    /// <summary>Packing loses nothing, or worlds would be taken for one another.</summary>
    [Fact]
    public void Worlds_survive_packing()
    {
        World world = new()
        {
            Now = 9,
            A = new()
            {
                Holds = true,
                Deadline = 11,
                Incarnation = 1,
                Flight = Flight.Response,
                Sent = 9,
                IsAccepted = true,
                HeardIncarnation = 1,
                IsKnown = true,
            },
            B = new() { Deadline = 5, Flight = Flight.Request, Sent = 3, IsDead = true },
            Server = new()
            {
                Steps = 2,
                A = new() { Stage = Stage.Lapsed, Expires = 31, Lapsed = 29 },
                B = ServerSession.LiveUntil(99),
                Owner = 2,
                Incarnation = 1,
                HoldUntil = 31,
                Phase = 2,
            },
            Replica = new() { Steps = 1, A = new() { Stage = Stage.Dead }, Owner = 1, HoldUntil = -1 },
            StepsLeft = 2,
            FailoversLeft = 1,
        };
        Assert.Equal(world, World.Unpack(world.Pack()));
    }

    private static void CheckSafe(ProtocolRules rules, int worlds)
    {
        var explorer = new ProtocolExplorer(rules);
        IReadOnlyList<string>? path = explorer.FindOverlap();
        Assert.True(path is null, $"Two hold at once: {string.Join("; ", path ?? [])}");
        Assert.InRange(explorer.Worlds, Math.Max(worlds, 10_000), worlds == 0 ? int.MaxValue : worlds);
    }

    private static ProtocolRules Off(string name) => name switch
    {
        "R1 off: a holder waits to be told" => s_all with { HasDeadline = false, Steps = 0, Failovers = 0 },
        "R3 off: no quarantine, and a step of the clock" => s_all with { Quarantine = 0, Failovers = 0 },
        "R3 has a limit: two steps of the clock within one quarantine" => s_all with { Steps = 2, Failovers = 0 },
        "R4 off: no hold" => s_all with { Hold = 0, Steps = 0, Forgives = false },
        "R4 off: no hold, and the grant was lost" => s_all with { Hold = 0, Steps = 0, LosesGrant = true },
        "R4 half: a hold of one phase, and a step of the clock" => s_all with { Phases = 1, LosesGrant = true },
        "R5 off: who was past its deadline resumes" => s_all with { EndsAtFailover = false, Steps = 0 },
        _ => throw new ArgumentException("There is no such case.", nameof(name)),
    };

    private static ProtocolRules Safe(string name) => name switch
    {
        "no clock step, no failover, no quarantine" => s_all with { Quarantine = 0, Steps = 0, Failovers = 0 },
        "a clock step" => s_all with { Failovers = 0 },
        "a failover" => s_all with { Steps = 0 },
        "a failover and a clock step, lapses not forgiven" => s_all.Small with { Forgives = false },
        "a failover and a clock step" => s_all.Small,
        "a failover that lost the grant, and a clock step" => s_all.Small with { LosesGrant = true },
        _ => throw new ArgumentException("There is no such case.", nameof(name)),
    };
}
