using Vmem.Checks;
using Vmem.Testing.Internals;

namespace Vmem.Memory.Tests.Internals;

/// <summary>Makes the growth of tables fail: those of this package, and those of the arenas below it.</summary>
internal sealed class TableFaults : IDisposable
{
    private readonly IDisposable _here;
    private readonly IDisposable _below;

    private TableFaults(Func<bool> fails)
    {
        _here = GrowthFault.Inject(fails);
        _below = VmemInternals.InjectGrowthFaults(fails);
    }

    /// <summary>From now until the result is disposed, each growth on this thread asks whether it shall fail.</summary>
    public static TableFaults Inject(Func<bool> fails) => new(fails);

    public void Dispose()
    {
        _below.Dispose();
        _here.Dispose();
    }
}
