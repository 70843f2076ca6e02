#if DEBUG
using Vmem.Caching;
using Vmem.Testing.Exploration;
using Xunit;

namespace Vmem.Tests.Exploration;

/// <summary>Threads that take from and return to one magazine cache of numbers, and one that claims it. In the end each number is in
/// exactly one place.</summary>
internal sealed class MagazineScenario(int items)
{
    private const int Rounds = 3;

    private readonly MagazineCache<long> _cache = new(Rounds, Rounds);
    private readonly List<long>[] _held = [[], [], []];
    private readonly List<long> _below = [];

    /// <summary>The thread has the first numbers, and returns them.</summary>
    public void Fill()
    {
        for (int item = 1; item <= items; item++)
        {
            Return(0, item);
        }
    }

    public void Take(int thread)
    {
        if (_cache.TryTakeLoaded(ThreadNumber.Current, out long item) || _cache.TryTake(out item))
        {
            _held[thread].Add(item);
        }
    }

    public void ReturnOne(int thread)
    {
        if (_held[thread] is [.., long item])
        {
            _held[thread].RemoveAt(_held[thread].Count - 1);
            Return(thread, item);
        }
    }

    /// <summary>Takes everything out.</summary>
    public void Drain()
    {
        var spilled = new List<Magazine<long>>();
        MagazineCache<long>.Claim([_cache]);
        try
        {
            _cache.Drain(spilled);
        }
        finally
        {
            MagazineCache<long>.Release([_cache]);
        }

        foreach (Magazine<long> magazine in spilled)
        {
            _below.AddRange(magazine.Contents);
        }
    }

    /// <summary>Looks at everything.</summary>
    public void Look()
    {
        MagazineCache<long>.Claim([_cache]);
        try
        {
            _cache.Validate();
            Assert.InRange(_cache.Count().Items, 0, items);
        }
        finally
        {
            MagazineCache<long>.Release([_cache]);
        }
    }

    /// <summary>Each number is somewhere, once.</summary>
    public void Check()
    {
        Look();
        List<long> found = [.. _below, .. _held.SelectMany(held => held)];
        MagazineCache<long>.Claim([_cache]);
        _cache.CopyTo(found);
        MagazineCache<long>.Release([_cache]);
        found.Sort();
        Assert.Equal(Enumerable.Range(1, items).Select(item => (long)item), found);
    }

    private void Return(int thread, long item)
    {
        if (!_cache.TryReturnLoaded(ThreadNumber.Current, item) && !_cache.TryReturn(item))
        {
            lock (_below)
            {
                _below.Add(item);
            }
        }

        _ = thread;
    }
}
#endif
