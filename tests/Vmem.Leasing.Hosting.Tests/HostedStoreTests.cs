using System.Reflection;

namespace Vmem.Leasing.Hosting.Tests;

/// <summary>What stands before the host's store hands on all that a store can do.</summary>
public class HostedStoreTests
{
    /// <summary>One that is not handed on would have the engine's own way replaced by the slow one of the base class.</summary>
    [Fact]
    public void Every_operation_is_handed_on()
    {
        Type hosted = typeof(HostedLeases).Assembly.GetType("Vmem.Leasing.Hosting.HostedStore", throwOnError: true)!;
        Assert.DoesNotContain(hosted.GetMethods(BindingFlags.Instance | BindingFlags.Public),
            static method => method.IsVirtual && method.DeclaringType == typeof(LeaseStore));
    }
}
