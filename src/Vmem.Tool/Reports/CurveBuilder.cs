using Vmem.Tool.Replay;

namespace Vmem.Tool.Reports;

/// <summary>Takes a lane's curve out of a finished replay.</summary>
internal static class CurveBuilder
{
    public static CurveReport Build(ReplayLane lane, EventTimes times)
    {
        AddressTimeMap map = lane.Map;
        var live = new long[map.ColumnCount];
        var extent = new long[map.ColumnCount];
        var requested = new long[map.ColumnCount];
        var seconds = new double[map.ColumnCount];
        for (int column = 0; column < map.ColumnCount; column++)
        {
            live[column] = (long)map.Columns[column].Live;
            extent[column] = (long)map.Columns[column].Extent;
            requested[column] = (long)map.Columns[column].Requested;
            seconds[column] = times.At(column * map.EventsPerColumn)?.TotalSeconds ?? 0;
        }

        return new CurveReport
        {
            EventsPerPoint = map.EventsPerColumn,
            Seconds = times.IsEmpty ? null : seconds,
            LiveBytes = live,
            ExtentBytes = extent,
            RequestedBytes = requested,
            ResidentBytes = lane.Target is BlockTarget { Resident: { } resident }
                ? Stretch(resident.Samples, map.ColumnCount, map.EventsPerColumn)
                : null,
        };
    }

    /// <summary>The most of all samples in each stretch of events; where there is none, what the one before it ended with.</summary>
    /// <param name="samples">In the order of their events.</param>
    /// <param name="points">How many stretches.</param>
    /// <param name="eventsPerPoint">Their length.</param>
    public static long[] Stretch(IReadOnlyList<ResidentSample> samples, int points, long eventsPerPoint)
    {
        var most = new long[points];
        long last = 0;
        int next = 0;
        for (int point = 0; point < points; point++)
        {
            most[point] = last;
            for (bool isFirst = true; next < samples.Count && samples[next].Events <= (point + 1) * eventsPerPoint; next++, isFirst = false)
            {
                last = (long)samples[next].Bytes;
                most[point] = isFirst ? last : Math.Max(most[point], last);
            }
        }

        return most;
    }
}
