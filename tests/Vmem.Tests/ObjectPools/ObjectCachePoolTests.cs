using System.Text;
using Microsoft.Extensions.ObjectPool;
using Vmem.Diagnostics;
using Vmem.Extensions.ObjectPool;
using Xunit;

namespace Vmem.Tests.ObjectPools;

public class ObjectCachePoolTests
{
    private sealed class Page : IResettable, IDisposable
    {
        public bool IsFit { get; set; } = true;

        public int Resets { get; private set; }

        public int Disposals { get; private set; }

        public bool TryReset()
        {
            Resets++;
            return IsFit;
        }

        public void Dispose() => Disposals++;
    }

    private sealed class Fickle : PooledObjectPolicy<Page>
    {
        public override Page Create() => new();

        public override bool Return(Page obj) => obj.IsFit ? throw new NotSupportedException("fit") : false;
    }

    [Fact]
    public void A_resettable_object_is_reset_and_comes_again()
    {
        ObjectPool<Page> pool = new ObjectCachePoolProvider().Create<Page>();
        Page page = pool.Get();
        pool.Return(page);
        Assert.Same(page, pool.Get());
        Assert.Equal((1, 0), (page.Resets, page.Disposals));
    }

    [Fact]
    public void An_object_that_cannot_be_reset_is_disposed_and_comes_no_more()
    {
        using ObjectCachePool<Page> pool = new(new DefaultPooledObjectPolicy<Page>());
        Page page = pool.Get();
        page.IsFit = false;
        pool.Return(page);
        Assert.Equal(1, page.Disposals);
        Assert.NotSame(page, pool.Get());
        Assert.Equal(
            (2L, 1L, 1L),
            (pool.Cache.GetStatistics().Constructed, pool.Cache.GetStatistics().Destructed, pool.Cache.GetStatistics().Rented));
    }

    [Fact]
    public void An_object_at_which_the_policy_throws_is_disposed_once()
    {
        using ObjectCachePool<Page> pool = new(new Fickle());
        Page page = pool.Get();
        Assert.Throws<NotSupportedException>(() => pool.Return(page));
        Assert.Equal(1, page.Disposals);
        Assert.Equal(1, pool.Cache.GetStatistics().Destructed);
    }

    [Fact]
    public void Disposing_the_pool_disposes_what_lies_there_and_later_what_comes_back()
    {
        ObjectCachePool<Page> pool = new(new DefaultPooledObjectPolicy<Page>());
        Page early = pool.Get();
        Page late = pool.Get();
        pool.Return(early);
        pool.Dispose();
        Assert.Equal((1, 0), (early.Disposals, late.Disposals));
        pool.Return(late);
        Assert.Equal(1, late.Disposals);
        Assert.Throws<ObjectDisposedException>(pool.Get);
    }

    [Fact]
    public void The_provider_serves_where_the_default_one_does()
    {
        ObjectPool<StringBuilder> pool = new ObjectCachePoolProvider().CreateStringBuilderPool();
        StringBuilder text = pool.Get();
        text.Append("left over");
        pool.Return(text);
        Assert.Same(text, pool.Get());
        Assert.Equal(0, text.Length);
        Assert.Throws<ArgumentNullException>(() => pool.Return(null!));
        Assert.Throws<ArgumentNullException>(() => new ObjectCachePool<Page>(null!));
    }

    /// <summary>The stack of an audit begins where the user's code called.</summary>
    [Fact]
    public void The_story_of_a_return_has_none_of_the_librarys_own_frames()
    {
        using ObjectCachePool<Page> pool = new(new DefaultPooledObjectPolicy<Page>(), new ObjectCacheOptions { Audit = true });
        Page page = pool.Get();
        pool.Return(page);
        string[] story = Assert.Throws<InvalidReturnException>(() => pool.Return(page)).Message.Split('\n');
        Assert.StartsWith($"   at {typeof(ObjectCachePoolTests).FullName}.{nameof(The_story_of_a_return_has_none_of_the_librarys_own_frames)}(", story[1]);
    }
}
