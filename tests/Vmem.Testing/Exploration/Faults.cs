using Xunit;
using Xunit.Sdk;

namespace Vmem.Testing.Exploration;

/// <summary>Plants a fault, and sees that the explorer finds it.</summary>
public static class Faults
{
    /// <summary>Explores scenarios with the fault until one fails, and replays that schedule.</summary>
    public static void Find(Explorer explorer, PlantedFault fault, MemoryOrder order, params IReadOnlyList<Func<Scenario>> scenarios)
    {
        ArgumentNullException.ThrowIfNull(explorer);
        ExplorerOptions options = new() { Order = order, Faults = [fault] };
        int tried = 0;
        foreach (Func<Scenario> scenario in scenarios)
        {
            ExplorerReport report = explorer.Explore(scenario, options);
            tried += report.Schedules;
            if (report.Failure is { } failure)
            {
                string first = failure.Split('\n')[0];
                Assert.Equal(first, explorer.Replay(scenario, options, report.Trace!)?.Split('\n')[0]);
                Assert.Null(explorer.Replay(scenario, options with { Faults = [] }, report.Trace!));
                TestContext.Current.TestOutputHelper!.WriteLine($"{fault}, {order}: found in schedule {tried}: {first}");
                return;
            }
        }

        throw new XunitException($"{fault} was not found in {tried} schedules.");
    }
}
