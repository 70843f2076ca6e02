using Vmem.Testing.Contracts;

namespace Vmem.Tests.Importing;

/// <summary>An arena is a source.</summary>
public sealed class ArenaSourceContractTests : ArenaSourceContract
{
    protected override IArenaSource<ulong> CreateSource() => new Arena<ulong>("source", 0, 64 * 1024, 64);
}

/// <summary>An arena without its lock is a source.</summary>
public sealed class SingleThreadedArenaSourceContractTests : ArenaSourceContract
{
    protected override IArenaSource<ulong> CreateSource() =>
        new Arena<ulong>("source", 1 << 20, 64 * 1024, 64, new ArenaOptions<ulong> { SingleThreaded = true, Policy = FitPolicy.LastFit });
}

/// <summary>An arena that ends at the top of the type is a source.</summary>
public sealed class TopArenaSourceContractTests : ArenaSourceContract
{
    protected override IArenaSource<ulong> CreateSource() => new Arena<ulong>("source", ulong.MaxValue - 511, 512, 1);
}

/// <summary>An arena that itself imports is a source.</summary>
public sealed class StackedArenaSourceContractTests : ArenaSourceContract
{
    protected override IArenaSource<ulong> CreateSource()
    {
        Arena<ulong> bottom = new("bottom", 0, 256 * 1024, 256);
        return new Arena<ulong>("middle", 64, new ArenaOptions<ulong> { Source = bottom, MinImport = 4_096 });
    }
}
