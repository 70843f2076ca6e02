using Vmem.Caching;

namespace Vmem.Tests.Caching;

/// <summary>A magazine cache of numbers over a layer below that makes the next number whenever the cache has none.</summary>
internal sealed class NumberedItems(int rounds)
{
    private int _made;

    public MagazineCache<int> Cache { get; } = new(rounds);

    /// <summary>How many numbers there are: 1 to this.</summary>
    public int Made => Volatile.Read(ref _made);

    public int Take() => TryTake(out int item) ? item : Interlocked.Increment(ref _made);

    public bool TryTake(out int item) => Cache.TryTakeLoaded(ThreadNumber.Current, out item) || Cache.TryTake(out item);

    public void Return(int item)
    {
        if (!Cache.TryReturnLoaded(ThreadNumber.Current, item) && !Cache.TryReturn(item))
        {
            throw new InvalidOperationException($"The cache did not take {item}.");
        }
    }

    /// <summary>Something that is done with everything at rest.</summary>
    public TResult Claimed<TResult>(Func<MagazineCache<int>, TResult> look)
    {
        MagazineCache<int>.Claim([Cache]);
        try
        {
            return look(Cache);
        }
        finally
        {
            MagazineCache<int>.Release([Cache]);
        }
    }

    public MagazineFigures Count() => Claimed(cache => cache.Count());

    public List<int> Contents() => Claimed(cache =>
    {
        cache.Validate();
        List<int> items = [];
        cache.CopyTo(items);
        return items;
    });

    public List<int> Tick()
    {
        List<Magazine<int>> spilled = [];
        Cache.Tick(spilled);
        return [.. spilled.SelectMany(magazine => magazine.Contents.ToArray())];
    }

    public static void OnNewThread(Action work)
    {
        Thread thread = new(() => work());
        thread.Start();
        thread.Join();
    }
}
