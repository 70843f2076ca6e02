using System.Runtime.CompilerServices;
using Vmem.Testing.Surface;

namespace Vmem.Leasing.Tests.Surface;

public class PublicApiTests
{
    /// <summary>A change of the public surface must be seen in review: it shows as a change of Vmem.Leasing.PublicApi.txt.</summary>
    [Fact]
    public void The_public_surface_is_the_checked_in_one() =>
        PublicApi.Check(typeof(LeaseSession).Assembly, Path.Combine(ThisFolder(), "Vmem.Leasing.PublicApi.txt"));

    /// <summary>The names that the design fixes.</summary>
    [Fact]
    public void No_name_that_the_design_fixes_is_missing()
    {
        string surface = PublicApi.Describe(typeof(LeaseSession).Assembly);
        string[] members =
        [
            "static Task<LeaseSession> OpenAsync(LeaseStore store, LeaseSessionOptions options = default, CancellationToken cancellationToken = default)",
            "Boolean IsValid { get; }",
            "LeaseState State { get; }",
            "TimeSpan Remaining { get; }",
            "Guid Instance { get; }",
            "Int32 Incarnation { get; }",
            "CancellationToken Lost { get; }",
            "Void ThrowIfInvalid()",
            "Arena<T> Arena { get; }",
            "Boolean TryAllocate(T size, out LeasedRange<T> range)",
            "Void Free(in LeasedRange<T> range, Boolean clean = default)",
            "Task<IReadOnlyList<LeaseInfo<T>>> ListAsync(CancellationToken cancellationToken = default)",
            "static Task<WorkerId> LeaseAsync(LeaseSession session, String arena, Int32 bits, CancellationToken cancellationToken = default)",
            "Int32 Value { get; }",
            "Int64 Fence { get; }",
            "ValueTask PastWatermarkAsync(CancellationToken cancellationToken = default)",
            "ValueTask ReserveAsync(Int64 watermark)",
        ];
        Assert.All(members, member => Assert.Contains($"    {member}\n", surface, StringComparison.Ordinal));
        string[] states = ["Live", "Suspended", "Lost"];
        Assert.All(states, name => Assert.Contains($"const LeaseState {name} = ", surface, StringComparison.Ordinal));
    }

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
