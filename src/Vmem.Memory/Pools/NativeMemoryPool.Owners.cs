using System.Globalization;
using System.Runtime.CompilerServices;
using Vmem.Diagnostics;
using Vmem.Memory.Diagnostics;
using Vmem.Memory.Pools;

namespace Vmem.Memory;

// Owners: where they come from and go to, and who has lost one.
public sealed unsafe partial class NativeMemoryPool<T> : IMetered, IDumped, IListedPool
{
    private readonly ObjectCache<PooledMemory<T>>? _owners;       // null: each is new
    private readonly AuditStacks? _stacks;                      // null: leaks are not tracked
    private readonly Action<PooledMemory<T>, NativeMemoryLeak>? _noteLeak;         // null: nobody asks for lost owners
    private readonly PoolThreads _threads = new();
    private readonly MeteredEntry _metered;
    private int _ended;
    private long _leaks;
    private long _reclaimed;
    private long _doubleDisposals;

    /// <summary>Whether what was rented is zeroed when it is given back.</summary>
    internal bool ClearsOnReturn => _options.ClearOnReturn;

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

    /// <inheritdoc/>
    PoolView IListedPool.View
    {
        get
        {
            NativeMemoryPoolStatistics figures = GetStatistics();
            return new PoolView(this, Name, typeof(T), _heap, figures.Rents, figures.Outstanding, figures.Leaks);
        }
    }

    /// <inheritdoc/>
    void IDumped.Write(TextWriter writer)
    {
        NativeMemoryPoolStatistics figures = GetStatistics();
        writer.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{Name,-32}  {figures.Outstanding,12}  {figures.Rents,20}  {figures.Leaks,8}  {typeof(T).Name}"));
    }

    /// <summary>An owner's rental has ended, and its block is free.</summary>
    internal void TakeBack(PooledMemory<T> owner, bool isReclaimed)
    {
        PoolThread? mine = _threads.CountReturn();
        if (isReclaimed)
        {
            _ = Interlocked.Increment(ref _reclaimed);
        }
        else if (_owners is not null && !_disposed && mine?.Exchange(owner) is { } rested)
        {
            _owners.Return(Unsafe.As<PooledMemory<T>>(rested));
        }
    }

    /// <summary>An owner was disposed of that is not rented.</summary>
    internal void NoteDoubleDispose() => Interlocked.Increment(ref _doubleDisposals);

    /// <summary>Who notices if the owner is lost; null if nobody asked for it.</summary>
    private LeakWitness<PooledMemory<T>>? NewWitness(PooledMemory<T> owner, int length)
    {
        if (_noteLeak is null)
        {
            return null;
        }

        bool isTracked = _stacks is not null;
        var leak = new NativeMemoryLeak(
            Name,
            length,
            (nuint)length * (nuint)sizeof(T),
            isTracked ? _stacks!.Capture() : "",
            isTracked ? Environment.CurrentManagedThreadId : 0,
            isTracked ? Thread.CurrentThread.Name : null,
            isTracked ? _options.TimeProvider.GetUtcNow() : default);
        return new LeakWitness<PooledMemory<T>>(owner, leak, _options.ReclaimLost ? (long)leak.Size : 0, _noteLeak);
    }

    /// <summary>An owner was lost. On the thread of finalisers, which no exception may reach.</summary>
    private void NoteLeak(PooledMemory<T> owner, NativeMemoryLeak leak)
    {
        bool isLeak;
        using (_heap.HoldOpen())
        {
            // The end of a heap frees all at once: nobody has to dispose of anything.
            isLeak = !_heap.IsDisposed;
            _ = isLeak ? Interlocked.Increment(ref _leaks) : 0;
            try
            {
                if (_options.ReclaimLost)
                {
                    owner.Reclaim();
                }
            }
            catch (Exception)
            {
                // The heap's debugging refuses a block that was overrun: it stays the heap's.
            }
        }

        try
        {
            if (isLeak)
            {
                _options.Leaked?.Invoke(leak);
            }
        }
        catch (Exception)
        {
            // It was told, and counted.
        }
    }

    private ObjectCache<PooledMemory<T>> OwnerCache() =>
        new(Name, () => new PooledMemory<T>(_heap, this), options: new ObjectCacheOptions { TimeProvider = _options.TimeProvider });
}
