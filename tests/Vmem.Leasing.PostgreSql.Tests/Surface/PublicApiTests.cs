using System.Reflection;
using System.Runtime.CompilerServices;
using Vmem.Testing.Surface;

namespace Vmem.Leasing.PostgreSql.Tests.Surface;

public class PublicApiTests
{
    private static readonly Assembly s_store = typeof(PostgreSqlLeaseStore).Assembly;

    /// <summary>A change of the public surface must be seen in review: it shows as a change of
    /// Vmem.Leasing.PostgreSql.PublicApi.txt.</summary>
    [Fact]
    public void The_public_surface_is_the_checked_in_one() =>
        PublicApi.Check(s_store, Path.Combine(ThisFolder(), "Vmem.Leasing.PostgreSql.PublicApi.txt"));

    [Fact]
    public void It_uses_public_members_of_Vmem_Leasing_only()
    {
        Assert.Empty(PackageBoundary.Breaches(s_store, typeof(LeaseStore).Assembly));
        Assert.Equal(["Vmem.Leasing.PostgreSql.Tests"], PackageBoundary.Friends(s_store));
    }

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;
}
