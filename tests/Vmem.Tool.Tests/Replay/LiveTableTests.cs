using Vmem.Tool.Replay;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Tests.Replay;

/// <summary>The table of live objects against a dictionary.</summary>
public sealed class LiveTableTests
{
    [Theory]
    [InlineData(50, 1UL)]
    [InlineData(3000, 16UL)]
    [InlineData(3000, 1UL << 40)]
    public void It_knows_what_a_dictionary_knows(int ids, ulong stride)
    {
        var random = new Random(ids);
        var table = new LiveTable();
        var model = new Dictionary<ulong, (int Slot, ulong Size, int Site)>();
        for (int step = 0; step < 100_000; step++)
        {
            ulong id = (ulong)random.Next(ids) * stride;
            if (random.Next(2) == 0)
            {
                ulong size = (ulong)random.Next();
                bool added = table.TryAdd(id, size, site: step, out int slot);
                Assert.Equal(!model.ContainsKey(id), added);
                Assert.DoesNotContain(slot, added ? model.Values.Take(20).Select(entry => entry.Slot) : []);
                model.TryAdd(id, (slot, size, step));
            }
            else
            {
                Assert.Equal(
                    model.Remove(id, out (int Slot, ulong Size, int Site) expected),
                    table.TryRemove(id, out int slot, out ulong size, out int site));
                Assert.Equal(expected, (slot, size, site));
            }

            Assert.Equal(model.Count, table.Count);
        }

        Assert.Equal(model.Count, model.Values.Select(entry => entry.Slot).Distinct().Count());
        Assert.True(model.Values.All(entry => entry.Slot < table.SlotCount));
    }

    [Fact]
    public void It_grows_with_what_is_alive_not_with_what_has_lived()
    {
        var table = new LiveTable();
        for (ulong id = 0; id < 1_000_000; id++)
        {
            Assert.True(table.TryAdd(id, 1, 0, out _));
            Assert.True(id < 100 || table.TryRemove(id - 100, out _, out _, out _));
        }

        Assert.Equal(101, table.SlotCount);
        Assert.Equal(new LiveTable().Bytes, table.Bytes);
    }

    /// <summary>IDs that all had one home in a table with a known factor.</summary>
    [Fact]
    public void Nobody_can_choose_IDs_of_one_home()
    {
        ulong inverse = 1;
        for (int round = 0; round < 6; round++)
        {
            inverse *= 2 - (0x9E3779B97F4A7C15 * inverse);           // Newton's: each round doubles the right bits
        }

        Assert.Equal(1UL, 0x9E3779B97F4A7C15 * inverse);
        ulong[] ids = [.. Enumerable.Range(1, 500).Select(i => (ulong)i * inverse)];
        var table = new LiveTable();
        Assert.InRange(ids.Select(table.Home).Distinct().Count(), 10, 500);
        Assert.NotEqual(ids.Select(table.Home), ids.Select(new LiveTable().Home));
    }

    /// <summary>Numbers that .NET's own hash takes for one.</summary>
    [Fact]
    public void Nor_numbers_of_one_hash()
    {
        ulong[] numbers = [.. Enumerable.Range(1, 500).Select(i => ((ulong)i << 32) | (uint)i)];
        Assert.Single(numbers.Select(number => number.GetHashCode()).Distinct());
        Assert.InRange(numbers.Select(SeededHash.Instance.GetHashCode).Distinct().Count(), 490, 500);
        UInt128[] wide = [.. numbers.Select(number => (UInt128)number << 64)];
        Assert.InRange(wide.Select(SeededHash.Instance.GetHashCode).Distinct().Count(), 490, 500);
    }
}
