using System.Numerics;
using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>Comparing and moving the slots of a node, against one slot after the other.</summary>
public sealed unsafe class NodeScanTests
{
    [Fact]
    public void Masks_and_bounds_are_those_of_a_loop()
    {
        Scan<byte>();
        Scan<ushort>();
        Scan<uint>();
        Scan<ulong>();
        Scan<nuint>();
        Scan<UInt128>();
    }

    [Fact]
    public void Slots_move_by_one_and_no_other_changes()
    {
        Move<byte>();
        Move<ushort>();
        Move<uint>();
        Move<ulong>();
        Move<UInt128>();
    }

    [Fact]
    public void The_first_and_the_last_bit_are_found_within_bounds()
    {
        SeededRandom random = new(3);
        for (int round = 0; round < 2_000; round++)
        {
            uint mask = (uint)random.Below(1 << 16) << random.Below(17);
            int count = random.Below(NodeScan.Width + 1);
            int from = random.Below(count + 1);
            int first = from;
            while (first < count && (mask >> first & 1) == 0)
            {
                first++;
            }

            Assert.Equal(first, NodeScan.First(mask, from, count));
            int last = count - 1;
            while (last >= 0 && (mask >> last & 1) == 0)
            {
                last--;
            }

            Assert.Equal(last, NodeScan.Last(mask, count - 1));
        }
    }

    private static void Scan<T>()
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        SeededRandom random = new(1);
        T* slots = stackalloc T[NodeScan.Width];
        T* others = stackalloc T[NodeScan.Width];
        for (int round = 0; round < 40; round++)
        {
            for (int slot = 0; slot < NodeScan.Width; slot++)
            {
                slots[slot] = Any<T>(random);
                others[slot] = T.Max(slots[slot], Any<T>(random));
            }

            (T low, T high) = (Any<T>(random), Any<T>(random));
            (uint atLeast, uint above, uint equal, uint within) = (0, 0, 0, 0);
            for (int slot = 0; slot < NodeScan.Width; slot++)
            {
                atLeast |= (slots[slot] >= low ? 1u : 0) << slot;
                above |= (slots[slot] > low ? 1u : 0) << slot;
                equal |= (slots[slot] == low ? 1u : 0) << slot;
                within |= (slots[slot] <= high && others[slot] >= low ? 1u : 0) << slot;
            }

            Assert.Equal((atLeast, above, equal), (NodeScan.AtLeast(slots, low), NodeScan.Above(slots, low), NodeScan.EqualTo(slots, low)));
            Assert.Equal(within, NodeScan.Within(slots, others, low, high));
            for (int count = 1; count <= NodeScan.Width; count++)
            {
                T[] used = new Span<T>(slots, count).ToArray();
                Assert.Equal((used.Min(), used.Max()), (NodeScan.Least(slots, count), NodeScan.Largest(slots, count)));
            }
        }
    }

    private static void Move<T>()
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        SeededRandom random = new(2);
        T* before = stackalloc T[NodeScan.Width + 2];         // one lies before the slots, and one behind them
        T* slots = before + 1;
        for (int count = 0; count <= NodeScan.Width; count++)
        {
            for (int slot = 0; slot <= count; slot++)
            {
                for (int i = -1; i <= NodeScan.Width; i++)
                {
                    slots[i] = Any<T>(random);
                }

                (T first, T last) = (slots[-1], slots[NodeScan.Width]);
                List<T> expected = [.. new Span<T>(slots, count)];
                if (count < NodeScan.Width)
                {
                    NodeSlots.Open(slots, slot, count);
                    slots[slot] = T.One;
                    expected.Insert(slot, T.One);
                    Assert.Equal(expected, new Span<T>(slots, count + 1).ToArray());
                    NodeSlots.Close(slots, slot, count + 1);
                    expected.RemoveAt(slot);
                }

                if (slot < count)
                {
                    NodeSlots.Close(slots, slot, count);
                    expected.RemoveAt(slot);
                }

                Assert.Equal(expected, new Span<T>(slots, expected.Count).ToArray());
                Assert.Equal((first, last), (slots[-1], slots[NodeScan.Width]));
            }
        }
    }

    /// <summary>Small, large or in between, and often the same.</summary>
    private static T Any<T>(SeededRandom random)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> =>
        random.Below(3) switch
        {
            0 => T.CreateChecked(random.Below(10)),
            1 => T.MaxValue - T.CreateChecked(random.Below(10)),
            _ => (T.MaxValue >> 1) + T.CreateChecked(random.Below(10)),
        };
}
