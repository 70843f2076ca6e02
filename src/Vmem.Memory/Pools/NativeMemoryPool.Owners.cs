using System.Runtime.CompilerServices;
using Vmem.Caching;
using Vmem.Checks;
using Vmem.Diagnostics;
using Vmem.Memory.Diagnostics;
using Vmem.Memory.Pools;

namespace Vmem.Memory;

// Owners: where they come from and go to, and who has lost one.
public sealed unsafe partial class NativeMemoryPool<T> : IMetered
{
    private readonly ObjectCache<PooledMemory<T>>? _owners;       // null: each is new
    private readonly AuditStacks? _stacks;                      // null: leaks are not tracked
    private readonly Gate _gate = new();
    private readonly MeteredEntry _metered;
    private ThreadTable<PoolThread> _threads = new();          // changes under the gate
    private int _ended;
    private long _leaks;
    private long _doubleDisposals;

    /// <inheritdoc/>
    bool IMetered.TryRead(int figure, out long value)
    {
        NativeMemoryPoolStatistics statistics = GetStatistics();
        value = (PoolFigure)figure switch
        {
            PoolFigure.Outstanding => statistics.Outstanding,
            PoolFigure.Rents => statistics.Rents,
            _ => statistics.Leaks,
        };
        return !_disposed;
    }

    /// <summary>An owner's rental has ended, and its block is free.</summary>
    internal void TakeBack(PooledMemory<T> owner)
    {
        PoolThread mine = Mine();
        mine.CountReturn();
        if (_owners is not null && !_disposed && mine.Exchange(owner) is { } rested)
        {
            _owners.Return(Unsafe.As<PooledMemory<T>>(rested));
        }
    }

    /// <summary>An owner was disposed of that is not rented.</summary>
    internal void NoteDoubleDispose() => Interlocked.Increment(ref _doubleDisposals);

    private LeakWitness NewWitness(AuditStacks stacks, int length)
    {
        var leak = new NativeMemoryLeak(
            Name,
            length,
            (nuint)length * (nuint)sizeof(T),
            stacks.Capture(),
            Environment.CurrentManagedThreadId,
            Thread.CurrentThread.Name,
            _options.TimeProvider.GetUtcNow());
        return new LeakWitness(leak, NoteLeak);
    }

    /// <summary>An owner was lost. On the thread of finalisers, which no exception may reach.</summary>
    private void NoteLeak(NativeMemoryLeak leak)
    {
        if (_heap.IsDisposed)
        {
            return;                               // its end frees all at once: nobody has to dispose of anything
        }

        _ = Interlocked.Increment(ref _leaks);
        try
        {
            _options.Leaked?.Invoke(leak);
        }
        catch (Exception)
        {
            // It was told, and counted.
        }
    }

    private ObjectCache<PooledMemory<T>> OwnerCache() =>
        new(Name, () => new PooledMemory<T>(_heap, this), options: new ObjectCacheOptions { TimeProvider = _options.TimeProvider });

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PoolThread Mine() => _threads.Of(ThreadNumber.Current, none: null) ?? Join();

    /// <summary>The current thread comes for the first time.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private PoolThread Join()
    {
        int number = ThreadNumber.Ensure();
        using (_gate.EnterScope())
        {
            return _threads.Join(number, none: null, static () => new PoolThread());
        }
    }

    /// <summary>Returns are read first: what begins meanwhile counts as outstanding, and never less than nothing is.</summary>
    private (long Rents, long Returns) Count()
    {
        long rents = 0;
        long returns = 0;
        using (_gate.EnterScope())
        {
            foreach (PoolThread? thread in _threads.Entries)
            {
                returns += thread?.Returns ?? 0;
            }

            foreach (PoolThread? thread in _threads.Entries)
            {
                rents += thread?.Rents ?? 0;
            }
        }

        return (rents, returns);
    }
}
