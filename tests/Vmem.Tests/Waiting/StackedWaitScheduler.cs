using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Waiting;

/// <summary>
/// Ground, middle and two tops, each with its own queue. What an import makes possible is not modelled; instead the arenas themselves are
/// asked: after every step an ordinary call for what the head of a queue waits for must fail, and whoever was granted must have been the
/// head.
/// </summary>
internal sealed class StackedWaitScheduler : IDisposable
{
    private readonly SeededRandom _random;
    private readonly Arena<uint> _ground;
    private readonly Arena<uint>[] _arenas;       // the tops first: whoever disposes or probes goes down
    private readonly List<Entry>[] _queues;
    private readonly List<(Arena<uint> Arena, uint Start, uint Size)> _live = [];

    public StackedWaitScheduler(ulong seed)
    {
        _random = new SeededRandom(seed);
        _ground = new Arena<uint>("ground", 0, (uint)(512 + (64 * _random.Below(8))), 16, new ArenaOptions<uint> { Policy = Policy() });
        Arena<uint> middle = new("middle", 4, Options(_ground));
        _arenas = [new("top", 1, Options(middle)), new("other", 1, Options(middle)), middle, _ground];
        _queues = [[], [], [], []];
    }

    public int Granted { get; private set; }

    public void Step()
    {
        switch (_random.Below(12))
        {
            case < 4:
                Wait();
                break;
            case < 6:
                Allocate();
                break;
            case < 9:
                Free();
                break;
            case 9:
                Shrink();
                break;
            case 10:
                Cancel();
                break;
            default:
                Pick().Reap();
                break;
        }

        Check();
    }

    public void FreeAll()
    {
        do
        {
            Free();
            Check();
            if (_live.Count == 0)
            {
                // What one arena retains, another may wait for.
                Array.ForEach(_arenas, arena => arena.Reap());
                Check();
            }
        }
        while (_live.Count > 0);

        Assert.All(_queues, Assert.Empty);
        foreach (Arena<uint> arena in _arenas)
        {
            arena.Reap();
            Assert.Equal(0u, arena.GetStatistics().InUse);
        }

        Assert.Equal(1, _ground.GetStatistics().FreeSegments);
    }

    /// <summary>Disposes the arenas with everybody who waits, the tops first: what they give back may still serve those below.</summary>
    public void DisposeAll()
    {
        for (int i = 0; i < _arenas.Length; i++)
        {
            Collect(i);
            _arenas[i].Dispose();
            Assert.All(_queues[i], entry => Assert.IsType<ObjectDisposedException>(entry.Task.Exception?.InnerException));
        }
    }

    public void Dispose() => Array.ForEach(_arenas, arena => arena.Dispose());

    private void Wait()
    {
        int index = _random.Below(_arenas.Length);
        uint size = (uint)(1 + _random.Below(_random.Below(3) == 0 ? 400 : 60));
        CancellationTokenSource cancel = new();
        _queues[index].Add(new Entry(_arenas[index].AllocateAsync(size, Policy(), cancel.Token).AsTask(), size, cancel));
    }

    private void Allocate()
    {
        Arena<uint> arena = Pick();
        uint size = (uint)(1 + _random.Below(60));
        if (arena.TryAllocate(size, out uint start))
        {
            Take(arena, start, size);
        }
    }

    private void Free()
    {
        if (_live.Count > 0)
        {
            int index = _random.Below(_live.Count);
            (Arena<uint> arena, uint start, uint size) = _live[index];
            _live.RemoveAt(index);
            arena.Free(start, size);
        }
    }

    private void Shrink()
    {
        if (_live.Count > 0)
        {
            int index = _random.Below(_live.Count);
            (Arena<uint> arena, uint start, uint size) = _live[index];
            uint wanted = 1 + (size / 2);
            _live[index] = (arena, start, wanted);
            Assert.True(arena.TryExtend(start, size, wanted));
        }
    }

    private void Cancel()
    {
        List<Entry> queue = _queues[_random.Below(_queues.Length)];
        if (queue.Count > 0)
        {
            Entry entry = queue[_random.Below(queue.Count)];
            entry.Cancel.Cancel();
            Assert.True(entry.Task.IsCanceled);
            queue.Remove(entry);
        }
    }

    private void Check()
    {
        for (int i = 0; i < _arenas.Length; i++)
        {
            Collect(i);
        }

        for (int i = 0; i < _arenas.Length; i++)
        {
            if (_queues[i].Count > 0)
            {
                Assert.False(_arenas[i].TryAllocate(_queues[i][0].Size, out _), $"The head of '{_arenas[i].Name}' waits for {_queues[i][0].Size}, which fits.");
            }
        }

        for (int i = 0; i < _arenas.Length; i++)
        {
            Collect(i);                           // a call that fails reaps, which may serve others
            _arenas[i].Validate();
        }

        Assert.All(_arenas, arena => Assert.Equal(
            _live.Where(live => live.Arena == arena).Sum(live => Rounded(live)) + ImportedFrom(arena),
            arena.GetStatistics().InUse));
    }

    private void Collect(int index)
    {
        List<Entry> queue = _queues[index];
        while (queue.Count > 0 && queue[0].Task.IsCompletedSuccessfully)
        {
            Entry head = queue[0];
            queue.RemoveAt(0);
            head.Cancel.Dispose();
            Granted++;
            Take(_arenas[index], head.Task.Result, head.Size);
        }

        Assert.All(queue, entry => Assert.False(entry.Task.IsCompleted));
    }

    private void Take(Arena<uint> arena, uint start, uint size)
    {
        Assert.DoesNotContain(_live, live => live.Arena == arena && start < live.Start + live.Size && live.Start < start + size);
        _live.Add((arena, start, size));
    }

    private long ImportedFrom(Arena<uint> arena) =>
        arena == _ground ? _arenas[2].GetStatistics().Imported :
        arena == _arenas[2] ? _arenas[0].GetStatistics().Imported + _arenas[1].GetStatistics().Imported : 0;

    private static long Rounded((Arena<uint> Arena, uint Start, uint Size) live) =>
        (live.Size + live.Arena.Quantum - 1) / live.Arena.Quantum * live.Arena.Quantum;

    private Arena<uint> Pick() => _arenas[_random.Below(_arenas.Length)];

    private FitPolicy Policy() => (FitPolicy)_random.Below(7);

    private ArenaOptions<uint> Options(Arena<uint> source)
    {
        FitPolicy policy = Policy();
        bool isCached = policy is not (FitPolicy.NextFit or > FitPolicy.LastFit) && _random.Below(2) != 0;
        return Options(source, policy, isCached ? (uint)(1 + _random.Below(8)) * 4 : 0);
    }

    private ArenaOptions<uint> Options(Arena<uint> source, FitPolicy policy, uint cacheMax) => new()
    {
        Source = source,
        Policy = policy,
        QuantumCacheMax = cacheMax,
        MinImport = _random.Below(2) == 0 ? 0u : 64,
        RetainedImport = _random.Below(2) == 0 ? 0u : 128,
        Limit = _random.Below(3) == 0 ? 448u : 0,
    };

    private sealed record Entry(Task<uint> Task, uint Size, CancellationTokenSource Cancel);
}
