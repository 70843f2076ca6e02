namespace Vmem.Tool.Replay;

/// <summary>
/// Which sites cause the holes of a lane. A <em>hole</em> here is a gap between two live objects, or before the first one. It stays a hole
/// because of the object that ends it: the first one above, on the side away from where the policy begins. Were that object not there, the
/// gap and what lies beyond would be one. So the hole's bytes are charged to the site that allocated that object, the <em>pin</em>.
/// <para>
/// When to look? Where the holes take the most bytes, but that is known only afterwards, and a look sorts all live objects. So a lane is looked
/// at when its holes have grown by a quarter since the last look, and at least as many events have passed as there are objects: the sorting
/// costs the logarithm of the objects an event at most. What is found is right for its moment, and the moment's holes are the most within that
/// quarter. Holes below a 64th of what is in use interest nobody, and are looked at in the end only. (All three numbers are arbitrary.)
/// </para>
/// <para>Rejected: a sorted map of addresses kept at every event (as dear as the allocators themselves), and a second reading (a pipe has one).</para>
/// </summary>
internal sealed class HoleCensus(ReplayLane lane)
{
    private const ulong LeastShare = 64;
    private const ulong Growth = 4;

    private Dictionary<int, (ulong Bytes, long Holes)> _pins = [];
    private ulong _threshold = 1;

    /// <summary>Of allocators that place objects in one range.</summary>
    public static bool Applies(ReplayLane lane) => lane.Target.Allocator is AllocatorKind.Arena or AllocatorKind.Buddy;

    public ReplayLane Lane => lane;

    /// <summary>How many events had been replayed at the look that counts.</summary>
    public long Events { get; private set; }

    /// <summary>In all holes.</summary>
    public ulong Bytes { get; private set; }

    /// <summary>How many holes there were.</summary>
    public long Holes { get; private set; }

    /// <summary>The sites whose objects end the holes.</summary>
    public IEnumerable<(int Site, ulong Bytes, long Holes)> Pins => _pins.Select(pin => (pin.Key, pin.Value.Bytes, pin.Value.Holes));

    /// <summary>Looks, if it is worth it.</summary>
    /// <param name="live">The objects alive after the lane's last event.</param>
    /// <param name="isLast">Whether no more events come.</param>
    public void Look(LiveTable live, bool isLast)
    {
        TargetFigures figures = lane.Target.GetFigures();
        bool isDue = figures.Holes >= _threshold && (isLast || (figures.Holes >= figures.InUse / LeastShare && lane.Events - Events >= live.Count));
        if (isDue)
        {
            _threshold = figures.Holes + (figures.Holes / Growth);
            Take(live);
        }
    }

    private void Take(LiveTable live)
    {
        var offsets = new ulong[live.Count];
        var objects = new (ulong Size, int Site)[live.Count];
        int count = 0;
        foreach ((int slot, ulong requested, int site) in live.Objects)
        {
            if (lane.TryGetOffset(slot, out ulong offset))
            {
                offsets[count] = offset;
                objects[count++] = (lane.Target.RoundUp(requested), site);
            }
        }

        Array.Sort(offsets, objects, 0, count);
        var pins = new Dictionary<int, (ulong Bytes, long Holes)>();
        ulong end = 0;
        (Bytes, Holes, Events) = (0, 0, lane.Events);
        for (int index = 0; index < count; index++)
        {
            if (offsets[index] > end)
            {
                ulong hole = offsets[index] - end;
                (ulong bytes, long holes) = pins.GetValueOrDefault(objects[index].Site);
                pins[objects[index].Site] = (bytes + hole, holes + 1);
                Bytes += hole;
                Holes++;
            }

            end = offsets[index] + objects[index].Size;
        }

        _pins = pins;
    }
}
