using Vmem.Checks;
using Xunit;

namespace Vmem.Tests.Concurrency;

/// <summary>Whose turn it is at the arena's lock. Times are in tenths of a turn; a turn began at 1000.</summary>
public class LockTurnsTests
{
    [Theory]
    [InlineData(1000, 0, false)]                  // the turn has just begun
    [InlineData(1010, 0, false)]                  // it has lasted for one turn exactly
    [InlineData(1011, 0, true)]
    [InlineData(1011, 950, true)]                 // the waiter is the heir
    [InlineData(1011, 940, false)]                // another is
    [InlineData(1011, 960, false)]
    public void A_turn_begins_when_the_other_is_over_and_nobody_else_is_the_heir(long now, long heir, bool expected) =>
        Assert.Equal(expected, LockTurns.MayBegin(Tenths(950), Tenths(now), Tenths(1000), Tenths(heir)));

    [Theory]
    [InlineData(990, 0, false)]                   // it has waited for four turns exactly
    [InlineData(991, 0, true)]
    [InlineData(991, 951, true)]                  // the heir came later
    [InlineData(991, 950, false)]
    [InlineData(991, 900, false)]                 // the heir has waited for longer
    public void Who_has_waited_longest_is_the_heir(long now, long heir, bool expected) =>
        Assert.Equal(expected, LockTurns.MayInherit(Tenths(950), Tenths(now), Tenths(heir)));

    private static long Tenths(long tenths) => tenths * LockTurns.Length / 10;
}
