namespace Vmem.Leasing.Tests.Model;

/// <summary>Which rules are on, how long things take in ticks, and what the adversary may do.</summary>
/// <param name="Ttl">A session's TTL.</param>
/// <param name="Quarantine">From lapse to death (R3); 0: there is none, and one stamp is enough.</param>
/// <param name="Hold">A phase of the hold (R4); 0: there is no hold.</param>
/// <param name="Phases">How many phases a hold has.</param>
/// <param name="HasDeadline">Holders stop at a deadline of their own (R1), instead of when they are told.</param>
/// <param name="EndsAtFailover">Who was past its deadline never resumes under another incarnation (R5).</param>
/// <param name="Forgives">A failover forgives lapses.</param>
/// <param name="Ticks">How long the world goes on.</param>
/// <param name="Steps">How often the server's clock is stepped forward.</param>
/// <param name="StepSize">How far.</param>
/// <param name="Failovers">How often the server fails over to a stale replica.</param>
/// <param name="LosesGrant">The replica has not heard of the first grant.</param>
internal sealed record ProtocolRules(
    int Ttl = 2,
    int Quarantine = 2,
    int Hold = 2,
    int Phases = 2,
    bool HasDeadline = true,
    bool EndsAtFailover = true,
    bool Forgives = true,
    int Ticks = 9,
    int Steps = 1,
    int StepSize = 10,
    int Failovers = 1,
    bool LosesGrant = false)
{
    /// <summary>The same with the shortest times, for a world that is larger otherwise.</summary>
    public ProtocolRules Small => this with { Ttl = 1, Quarantine = 1, Hold = 1, Ticks = 6, StepSize = 6 };
}
