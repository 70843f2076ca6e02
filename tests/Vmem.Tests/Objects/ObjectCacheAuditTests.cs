using System.Runtime.CompilerServices;
using Vmem.Diagnostics;
using Vmem.Tests.Caching;
using Xunit;

namespace Vmem.Tests.Objects;

public class ObjectCacheAuditTests
{
    private static readonly ObjectCacheOptions s_audited = new() { Audit = true };

    [Fact]
    public void A_second_return_is_found_with_the_story_of_the_first()
    {
        using WidgetShop shop = new(s_audited);
        Widget widget = shop.Cache.Rent();
        ReturnHere(shop, widget);
        InvalidReturnException twice = Assert.Throws<InvalidReturnException>(() => shop.Cache.Return(widget));
        Assert.Equal(InvalidReturnReason.AlreadyReturned, twice.Reason);
        Assert.Contains(nameof(ReturnHere), twice.Message, StringComparison.Ordinal);
        Assert.Contains("widgets", twice.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidReturnException>(() => shop.Cache.Discard(widget));
        Assert.Equal((1L, 0L, 0L, 1L), ObjectCacheTests.Figures(shop));
    }

    [Fact]
    public void The_return_of_a_foreign_object_is_found()
    {
        using WidgetShop shop = new(s_audited);
        InvalidReturnException foreign = Assert.Throws<InvalidReturnException>(() => shop.Cache.Return(new Widget(1)));
        Assert.Equal(InvalidReturnReason.Foreign, foreign.Reason);
        Widget gone = shop.Cache.Rent();
        shop.Cache.Discard(gone);
        Assert.Equal(InvalidReturnReason.Foreign, Assert.Throws<InvalidReturnException>(() => shop.Cache.Return(gone)).Reason);
    }

    [Fact]
    public void What_is_right_stays_right()
    {
        using WidgetShop shop = new(s_audited);
        for (int i = 0; i < 5; i++)
        {
            shop.Fill(100);
        }

        Assert.Equal((100L, 0L, 0L, 100L), ObjectCacheTests.Figures(shop));
        Assert.Equal(500, shop.Cache.GetStatistics().Rents);
        Assert.Equal(100, shop.Cache.Reap());
    }

    [Fact]
    public void Of_two_threads_that_return_the_same_object_exactly_one_is_right()
    {
        using WidgetShop shop = new(s_audited);
        int refused = 0;
        for (int i = 0; i < 100; i++)
        {
            Widget widget = shop.Cache.Rent();
            using Barrier together = new(2);
            Thread[] threads = [new(Return), new(Return)];
            Array.ForEach(threads, static thread => thread.Start());
            Array.ForEach(threads, static thread => thread.Join());

            void Return()
            {
                together.SignalAndWait();
                try
                {
                    shop.Cache.Return(widget);
                }
                catch (InvalidReturnException)
                {
                    Interlocked.Increment(ref refused);
                }
            }
        }

        Assert.Equal(100, refused);
        Assert.Equal(0, shop.Cache.GetStatistics().Rented);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ReturnHere(WidgetShop shop, Widget widget) => shop.Cache.Return(widget);
}
