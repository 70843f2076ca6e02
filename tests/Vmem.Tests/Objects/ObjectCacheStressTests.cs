using System.Collections.Concurrent;
using System.Diagnostics;
using Vmem.Caching;
using Vmem.Testing.Generation;
using Vmem.Tests.Caching;
using Xunit;

namespace Vmem.Tests.Objects;

/// <summary>Threads rent, return, hand over and end, while another reaps, passes intervals and asks for the figures without
/// pause.</summary>
public sealed class ObjectCacheStressTests : IDisposable
{
    private const int Workers = 4;
    private static readonly TimeSpan s_duration = TimeSpan.FromSeconds(2);

    private readonly ConcurrentQueue<Exception> _failures = new();
    private readonly ConcurrentQueue<Widget> _handedOver = new();
    private readonly WidgetShop _shop = new(new ObjectCacheOptions { LeastRounds = 7 });
    private long _rents;

    [Fact]
    public void No_object_is_with_two_threads_lost_or_destructed_twice()
    {
        long until = Stopwatch.GetTimestamp() + (long)(s_duration.TotalSeconds * Stopwatch.Frequency);
        Thread[] threads =
        [
            .. Enumerable.Range(1, Workers).Select(id => new Thread(() => LiveAndDie(id, until))),
            new Thread(() => Guarded(() => Disturb(until))),
        ];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        foreach (Widget widget in _handedOver)
        {
            Exchange(widget, from: -1, to: 0);
            _shop.Cache.Return(widget);
        }

        Assert.Empty(_failures);
        ObjectCacheStatistics statistics = _shop.Cache.GetStatistics();
        Assert.Equal((0L, _rents, _rents), (statistics.Rented, statistics.Rents, statistics.Returns));
        Assert.Equal((_shop.ConstructedCount, _shop.DestructedCount), (statistics.Constructed, statistics.Destructed));
        _shop.Dispose();
        Assert.Equal(_shop.ConstructedCount, _shop.DestructedCount);
    }

    public void Dispose() => _shop.Dispose();

    private void LiveAndDie(int id, long until)
    {
        for (ulong life = 0; Stopwatch.GetTimestamp() < until; life++)
        {
            SeededRandom random = new(((ulong)id << 32) + life);
            NumberedItems.OnNewThread(() => Guarded(() => Work(id, random)));
        }
    }

    private void Work(int id, SeededRandom random)
    {
        List<Widget> held = [];
        int rents = 0;
        for (int i = 0; i < 5_000; i++)
        {
            if (held.Count < 50 && random.Below(2) == 0)
            {
                Widget widget = _shop.Cache.Rent();
                Exchange(widget, from: 0, to: id);
                held.Add(widget);
                rents++;
            }
            else if (random.Below(4) == 0 && _handedOver.TryDequeue(out Widget? given))
            {
                Exchange(given, from: -1, to: 0);
                _shop.Cache.Return(given);
            }
            else if (held.Count > 0)
            {
                int index = random.Below(held.Count);
                Widget widget = held[index];
                held.RemoveAt(index);
                bool handOver = random.Below(4) == 0;
                Exchange(widget, from: id, to: handOver ? -1 : 0);
                if (handOver)
                {
                    _handedOver.Enqueue(widget);
                }
                else if (random.Below(50) == 0)
                {
                    _shop.Cache.Discard(widget);
                }
                else
                {
                    _shop.Cache.Return(widget);
                }
            }
        }

        foreach (Widget widget in held)
        {
            Exchange(widget, from: id, to: 0);
            _shop.Cache.Return(widget);
        }

        Interlocked.Add(ref _rents, rents);
    }

    private void Disturb(long until)
    {
        SeededRandom random = new(5);
        while (Stopwatch.GetTimestamp() < until)
        {
            switch (random.Below(20))
            {
                case 0:
                    _shop.Cache.Reap();
                    break;
                case < 3:
                    _shop.PassInterval();
                    break;
                case < 5:
                    ((IUpkeepTarget)_shop.Cache).RelievePressure();
                    break;
                default:
                    ObjectCacheStatistics statistics = _shop.Cache.GetStatistics();
                    Assert.Equal(statistics.Constructed, statistics.Destructed + statistics.Rented + statistics.Cached);
                    Assert.InRange(statistics.Rented, 0, statistics.Constructed);
                    break;
            }
        }
    }

    private static void Exchange(Widget widget, int from, int to)
    {
        int holder = Interlocked.CompareExchange(ref widget.Holder, to, from);
        if (holder != from || widget.IsDestructed)
        {
            throw new InvalidOperationException($"{widget.Number} is with {holder} and goes from {from} to {to}{(widget.IsDestructed ? ", destructed" : "")}.");
        }
    }

    private void Guarded(Action work)
    {
        try
        {
            work();
        }
        catch (Exception failure)
        {
            _failures.Enqueue(failure);
        }
    }
}
