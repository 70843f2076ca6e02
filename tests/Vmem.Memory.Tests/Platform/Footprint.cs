using Vmem.Memory.Window;
using Xunit;

namespace Vmem.Memory.Tests.Platform;

/// <summary>Shows that what was reserved in between is back: the process's address space is as large as before, and so is what heaps have
/// of their window.</summary>
/// <remarks>Other threads map and unmap meanwhile, megabytes perhaps. So what is watched must be large: <see cref="Large"/>, which is only
/// address space and costs nothing.</remarks>
internal sealed class Footprint
{
    /// <summary>How long a reservation should be whose loss is to be noticed.</summary>
    public static readonly nuint Large = (nuint)1 << 38;

    /// <summary>The tests that use it run by themselves: what others reserve would count.</summary>
    public const string Collection = "Address space";

    private readonly long _before;
    private readonly nuint _inUse;

    public Footprint()
    {
        GC.Collect();                             // what earlier tests have dropped shall not go back meanwhile
        GC.WaitForPendingFinalizers();
        _inUse = AddressWindow.Shared.InUse;
        _before = ProcessMap.TotalSize;
    }

    /// <summary>From now on nothing is committed that heaps of other tests have left, also those that were only dropped.</summary>
    public static void Clear()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        _ = AddressWindow.Shared.Discard(staleOnly: false);
    }

    public void CheckUnchanged()
    {
        Assert.InRange(Grown, -(long)Large / 4, (long)Large / 4);
        Assert.InRange(AddressWindow.Shared.InUse, 0u, _inUse);
    }

    /// <summary>By how much the address space has grown since.</summary>
    public long Grown => ProcessMap.TotalSize - _before;
}

[CollectionDefinition(Footprint.Collection, DisableParallelization = true)]
public sealed class FootprintTests;
