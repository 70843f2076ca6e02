using Vmem.Tool.Replay;

namespace Vmem.Tool.Tests.Replay;

/// <summary>The map against a byte array, through every rescaling of time and addresses.</summary>
public sealed class AddressTimeMapTests
{
    [Theory]
    [InlineData(300, 2_000)]
    [InlineData(5_000, 50_000)]
    [InlineData(9_999, 1_000_000)]
    public void Every_cell_is_the_share_that_was_in_use(int events, int space)
    {
        var random = new Random(events);
        var map = new AddressTimeMap();
        var used = new bool[space];
        var live = new List<(int Start, int Size)>();
        var samples = new List<bool[]>();
        long untilSample = 1;
        for (int next = 0; next < events; next++)
        {
            int reach = Math.Max(20, space * (next + 1) / events);
            int start = random.Next(reach - 10);
            int size = 1 + random.Next(Math.Min(reach - start, 1 + (space / 20)));
            if (live.Count > 30)
            {
                (int Start, int Size) old = live[random.Next(live.Count)];
                live.Remove(old);
                map.Vacate((ulong)old.Start, (ulong)old.Size);
                used.AsSpan(old.Start, old.Size).Clear();
            }
            else if (!used.AsSpan(start, size).Contains(true))
            {
                live.Add((start, size));
                map.Occupy((ulong)start, (ulong)size);
                used.AsSpan(start, size).Fill(true);
            }

            if (--untilSample == 0)
            {
                map.Sample((ulong)live.Sum(range => range.Size), 0, 0);
                samples.Add([.. used]);
                untilSample = map.EventsPerColumn;
            }
        }

        Check(map, samples);
    }

    private static void Check(AddressTimeMap map, List<bool[]> samples)
    {
        int sample = 0;
        for (int column = 0; column < map.ColumnCount; column++)
        {
            int count = (int)map.Columns[column].Samples;
            List<bool[]> inColumn = samples[sample..(sample + count)];
            sample += count;
            Assert.Equal(inColumn.Average(space => space.Count(used => used)), map.Columns[column].Live, 6);
            for (int row = 0; row < AddressTimeMap.MaxRows; row += 7)
            {
                int start = (int)Math.Min((ulong)inColumn[0].Length, (ulong)row * map.BytesPerRow);
                int end = (int)Math.Min((ulong)inColumn[0].Length, (ulong)(row + 1) * map.BytesPerRow);
                double expected = inColumn.Average(space => space.AsSpan(start, end - start).Count(true)) / map.BytesPerRow;
                Assert.Equal(expected, map.Fill(column, row), 9);
            }
        }

        Assert.Equal(samples.Count, sample);
        Assert.True(map.ColumnCount <= AddressTimeMap.MaxColumns);
    }
}
