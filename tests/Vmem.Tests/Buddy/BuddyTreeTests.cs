using Vmem.Buddy;
using Vmem.Testing.Buddy;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Buddy;

public class BuddyTreeTests
{
    /// <summary>Around every edge: one cell, one group, one level, two levels, and the orders at which levels begin and end. The large ones
    /// of small blocks take a second each, however few their steps are.</summary>
    public static TheoryData<long, int> Shapes()
    {
        TheoryData<long, int> shapes = [];
        foreach (long units in (long[])[
            1, 2, 3, 5, 31, 63, 64, 65, 127, 128, 130, 1000, 4095, 4096, 4097, 4161, 262143, 262144, 262145, 300007
        ])
        {
            foreach (int order in (int[])[0, 1, 2, 5, 6, 7, 11, 12, 13, 17, 18, 20])
            {
                bool isQuick = units < 10_000 || order >= 17;
                if ((order <= 1 || 1L << (order - 2) < units) && (isQuick || Night.Percent >= 100))
                {
                    shapes.Add(units, order);
                }
            }
        }

        return shapes;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Does_what_the_model_does(long units, int maxOrder)
    {
        BuddyTree tree = new(units, maxOrder);
        BuddyModel model = new(units, tree.MaxOrder);
        tree.Validate();
        SeededRandom random = new((ulong)(units * 64) + (ulong)maxOrder);
        int steps = Night.Scaled(units > 10_000 ? 300 : 1_000);
        List<long> live = [];
        for (int step = 0; step < steps; step++)
        {
            bool growing = step / 100 % 2 == 0;
            if (live.Count == 0 || random.Below(10) < (growing ? 7 : 3))
            {
                int order = random.Below(random.Below(3) == 0 ? tree.MaxOrder + 1 : Math.Min(3, tree.MaxOrder + 1));
                if (random.Below(8) == 0)
                {
                    long[] batch = new long[random.Below(100)];
                    int count = tree.TakeMany(order, batch);
                    Assert.Equal(batch.Select(_ => model.Take(order)).TakeWhile(unit => unit >= 0), batch.Take(count));
                    live.AddRange(batch.Take(count));
                    continue;
                }

                long expected = model.Take(order);
                Assert.Equal(expected >= 0, tree.TryTake(order, out long unit));
                if (expected >= 0)
                {
                    Assert.Equal(expected, unit);
                    live.Add(unit);
                }
            }
            else
            {
                int index = random.Below(live.Count);
                long unit = live[index];
                Assert.Equal(model.Live[unit], tree.OrderOf(unit));
                if (random.Below(4) == 0)
                {
                    int order = random.Below(tree.MaxOrder + 2);
                    Assert.Equal(model.Resize(unit, order), tree.TryResize(unit, order));
                }
                else
                {
                    live[index] = live[^1];
                    live.RemoveAt(live.Count - 1);
                    model.Give(unit);
                    tree.Give(unit);
                }
            }

            Assert.Equal((model.FreeOrders, model.FreeUnits, model.FreeBlocks), (tree.FreeOrders, tree.FreeUnits, tree.FreeBlocks));
            if (units <= 4096 || step % 50 == 0)
            {
                tree.Validate();
            }
        }

        foreach ((long start, int order, bool isFree) in model.Blocks())
        {
            foreach (long unit in (long[])[start, start + (1L << order) - 1, start + random.Below(1 << order)])
            {
                Assert.True(tree.TryFind(unit, out long found, out int foundOrder, out bool foundFree));
                Assert.Equal((start, order, isFree), (found, foundOrder, foundFree));
            }
        }

        live.ForEach(tree.Give);
        tree.Validate();
        Assert.Equal(new BuddyModel(units, tree.MaxOrder).FreeBlocks, tree.FreeBlocks);
    }
}
