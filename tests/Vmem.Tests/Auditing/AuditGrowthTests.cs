using Vmem.Checks;
using Xunit;

namespace Vmem.Tests.Auditing;

/// <summary>Memory runs out while an audit's table grows by many blocks at once.</summary>
public class AuditGrowthTests
{
    private const int Spans = 600;                // two tags each, before the first range is recorded

    [Fact]
    public void A_growth_that_fails_leaves_no_hole()
    {
        int faults = 0;
        for (bool hasFailed = true; hasFailed; faults += hasFailed ? 1 : 0)
        {
            using Arena<uint> arena = new("audited", 1, new ArenaOptions<uint> { Audit = true });
            for (uint span = 0; span < Spans; span++)
            {
                arena.AddSpan(4 * span, 2);
            }

            int growths = 0;
            int failing = faults;
            using (GrowthFault.Inject(() => growths++ == failing))
            {
                hasFailed = Record.Exception(() => arena.Allocate(1)) is OutOfMemoryException;
            }

            for (int taken = hasFailed ? 0 : 1; taken < 2 * Spans; taken++)
            {
                arena.Allocate(1);
            }

            arena.Validate();
        }

        Assert.True(faults >= 2 * Spans / 512, $"Only {faults} growths failed.");
    }
}
