using Vmem.Leasing.Protocol;

namespace Vmem.Leasing.Tests.Rules;

/// <summary>Each comparison at the very moment that it turns: whoever may be wrong there waits.</summary>
public sealed class LeaseRulesTests
{
    [Fact]
    public void A_holder_stops_at_its_deadline() => Assert.Equal((true, false), (LeaseRules.MayUse(10, 9), LeaseRules.MayUse(10, 10)));

    [Fact]
    public void A_session_has_its_whole_term() =>
        Assert.Equal((false, true), (LeaseRules.HasExpired(10, 10), LeaseRules.HasExpired(10, 11)));

    [Fact]
    public void A_quarantine_is_whole() => Assert.Equal((false, true), (LeaseRules.IsPast(10, 5, 15), LeaseRules.IsPast(10, 5, 16)));

    [Fact]
    public void A_phase_ends_when_it_is_over() => Assert.Equal((false, true), (LeaseRules.EndsPhase(10, 9), LeaseRules.EndsPhase(10, 10)));

    [Fact]
    public void A_deadline_counts_from_the_sending() => Assert.Equal(15, LeaseRules.Deadline(10, 5));

    [Fact]
    public void A_coarse_clock_is_enough_for_half_of_what_remains() => Assert.Equal(15, LeaseRules.SurelyUntil(10, 10));

    /// <summary>All sixteen cases: bit by bit whether it holds anything, whether the server is the same, whether its deadline is past, and
    /// whether the store knows all.</summary>
    [Fact]
    public void What_an_answer_means()
    {
        for (int bits = 0; bits < 16; bits++)
        {
            (bool holds, bool isSame, bool isPast, bool isKnown) = ((bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0, (bits & 8) != 0);
            Hearing expected = (holds, isSame, isPast, isKnown) switch
            {
                (false, _, _, _) => Hearing.Extend,
                (true, false, true, _) => Hearing.End,
                (true, _, _, true) => Hearing.Extend,
                _ => Hearing.Keep,
            };
            Assert.Equal(expected, LeaseRules.Hear(holds, isSame, isPast, isKnown));
        }
    }
}
