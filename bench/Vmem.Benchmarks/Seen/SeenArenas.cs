namespace Vmem.Benchmarks.Seen;

/// <summary>Arenas as a server may have them: one with very many segments, all others small.</summary>
internal sealed class SeenArenas : IDisposable
{
    public const int Count = 50;

    private const int SmallSegments = 200;

    private readonly List<Arena<ulong>> _all = [];

    /// <param name="segments">How many segments the large one has: every second is free.</param>
    public SeenArenas(int segments)
    {
        _all.Add(Fill("large", segments));
        for (int i = 1; i < Count; i++)
        {
            _all.Add(Fill($"small-{i}", SmallSegments));
        }
    }

    public Arena<ulong> Large => _all[0];

    public ArenaView LargeView => VmemProcess.Arenas.Single(view => ReferenceEquals(view.Arena, Large));

    public void Dispose() => _all.ForEach(static arena => arena.Dispose());

    private static Arena<ulong> Fill(string name, int segments)
    {
        Arena<ulong> arena = new(name, 0, (ulong)segments, 1);
        for (int i = 0; i < segments; i++)
        {
            _ = arena.Allocate(1);
        }

        for (ulong start = 0; start < (ulong)segments; start += 2)
        {
            arena.Free(start, 1);
        }

        return arena;
    }
}
