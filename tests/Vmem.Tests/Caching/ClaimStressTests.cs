using System.Collections.Concurrent;
using Vmem.Caching;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Caching;

/// <summary>
/// The proof by fire of the asymmetric protocol (see <see cref="MagazinePair{TItem}"/>): threads take and return at full speed without an
/// interlocked instruction, while others stop them to count, look, validate, drain and tick without pause. Every number is marked in an
/// array by whoever holds it, so that one that is handed out twice is seen at once; at the end each is in exactly one place.
/// </summary>
public class ClaimStressTests
{
    private const int M = 7;
    private const int Workers = 4;
    private const int MostHeld = 40;
    private const int MostItems = 4_096;
    private const int EnoughClaims = 20_000;

    private readonly NumberedItems _items = new(M);
    private readonly int[] _holders = new int[MostItems];
    private readonly ConcurrentQueue<int> _below = new();
    private readonly ConcurrentQueue<Exception> _failures = new();
    private int _working = Workers;
    private long _claims;

    [Fact]
    public void No_item_is_lost_or_seen_twice_while_others_claim() => Run(id => Churn(id, 40_000));

    /// <summary>The loops are short and alike, so that the processor's store buffer is as full as it can be when the claim comes.</summary>
    [Fact]
    public void No_item_is_lost_or_seen_twice_by_tight_loops_while_others_claim() => Run(id => Spin(id, 400_000));

    /// <summary>Threads end with something in their magazines, and others inherit or adopt it, while claims go on.</summary>
    [Fact]
    public void No_item_is_lost_with_threads_that_end_while_others_claim() => Run(id =>
    {
        for (int life = 0; life < 100; life++)
        {
            NumberedItems.OnNewThread(() => Guarded(() => Churn(id, 300)));
        }
    });

    private void Run(Action<int> work)
    {
        Thread[] threads =
        [
            .. Enumerable.Range(1, Workers).Select(id => new Thread(() =>
            {
                do
                {
                    Guarded(() => work(id));
                }
                while (Volatile.Read(ref _claims) < EnoughClaims && _failures.IsEmpty);

                Interlocked.Decrement(ref _working);
            })),
            new Thread(() => Guarded(Claim)),
        ];
        Array.ForEach(threads, thread => thread.Start());
        Array.ForEach(threads, thread => thread.Join());
        Assert.Empty(_failures);

        List<int> found = [.. _items.Contents(), .. _below];
        found.Sort();
        Assert.Equal(Enumerable.Range(1, _items.Made), found);
        Assert.All(_holders, holder => Assert.Equal(0, holder));
    }

    private void Churn(int id, int operations)
    {
        SeededRandom random = new((ulong)id);
        List<int> held = [];
        for (int i = 0; i < operations; i++)
        {
            if (held.Count < MostHeld && random.Below(2) == 0)
            {
                held.Add(Take(id));
            }
            else if (held.Count > 0)
            {
                int index = random.Below(held.Count);
                Return(id, held[index]);
                held.RemoveAt(index);
            }
        }

        held.ForEach(item => Return(id, item));
    }

    private void Spin(int id, int loops)
    {
        for (int i = 0; i < loops; i++)
        {
            int one = Take(id);
            int two = Take(id);
            Return(id, one);
            Return(id, two);
        }
    }

    private void Claim()
    {
        SeededRandom random = new(99);
        List<int> seen = [];
        while (Volatile.Read(ref _working) > 0 && _failures.IsEmpty)
        {
            _claims++;
            if (_claims % 8 == 0)
            {
                Thread.Yield();                   // a gate that one thread takes again at once is none for the others
            }

            switch (random.Below(8))
            {
                case 0:
                    Drain();
                    break;
                case 1:
                    _items.Tick().ForEach(_below.Enqueue);
                    break;
                case 2:
                    List<Magazine<int>> spilled = [];
                    _items.Cache.DrainDepot(spilled);
                    _items.Cache.PutBack(spilled);
                    break;
                default:
                    LookTwice(seen);
                    break;
            }
        }
    }

    /// <summary>While the claim lasts nothing moves, and nothing is there twice.</summary>
    private void LookTwice(List<int> seen) => _items.Claimed(cache =>
    {
        cache.Validate();
        seen.Clear();
        cache.CopyTo(seen);
        int count = seen.Count;
        MagazineFigures figures = cache.Count();
        Assert.Equal(figures.Items, count);
        Assert.Equal(count, seen.Distinct().Count());
        Thread.SpinWait(50);
        cache.CopyTo(seen);
        Assert.True(seen[..count].SequenceEqual(seen[count..]), "Something moved under a claim.");
        Assert.Equal(figures, cache.Count());
        return 0;
    });

    private void Drain()
    {
        List<Magazine<int>> spilled = [];
        _items.Claimed(cache =>
        {
            cache.Drain(spilled);
            return 0;
        });
        foreach (int item in spilled.SelectMany(magazine => magazine.Contents.ToArray()))
        {
            _below.Enqueue(item);
        }
    }

    private int Take(int id)
    {
        if (!_items.TryTake(out int item) && !_below.TryDequeue(out item))
        {
            item = _items.Take();
        }

        int holder = Interlocked.CompareExchange(ref _holders[item], id, 0);
        return holder == 0 ? item : throw new InvalidOperationException($"{item} was handed to {id} while {holder} had it.");
    }

    private void Return(int id, int item)
    {
        int holder = Interlocked.CompareExchange(ref _holders[item], 0, id);
        if (holder != id)
        {
            throw new InvalidOperationException($"{item} of {id} belongs to {holder}.");
        }

        _items.Return(item);
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
