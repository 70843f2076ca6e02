using Vmem.Tool.Blocks;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Replay;

/// <summary>
/// Which sites cause the holes of a lane. A <em>hole</em> here is a gap between two live objects, or before the first one. It stays a hole
/// because of the object that ends it: the first one above, on the side away from where the policy begins. Were that object not there, the
/// gap and what lies beyond would be one. So the hole's bytes are charged to the site that allocated that object, the <em>pin</em>.
/// <para>When to look? Where the holes take the most bytes, but that is known only afterwards, and a look sorts all live objects. So a
/// lane is looked at when its holes have grown by a quarter since the last look, and at least as many events have passed as there are
/// objects: the sorting costs the logarithm of the objects an event at most. What is found is right for its moment, and the moment's holes
/// are the most within that quarter. Holes below a 64th of what is in use interest nobody, and are looked at in the end only. (All three
/// numbers are arbitrary.)</para>
/// <para>Rejected: a sorted map of addresses kept at every event (as dear as the allocators themselves), and a second reading (a pipe has
/// one).</para>
/// </summary>
internal sealed class HoleCensus(ReplayLane lane)
{
    private const ulong LeastShare = 64;
    private const ulong Growth = 4;

    private Dictionary<int, SiteShare> _pins = [];
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
    public IEnumerable<SiteShare> Pins => _pins.Values;

    /// <summary>Looks, if it is worth it.</summary>
    /// <param name="live">The objects alive after the lane's last event.</param>
    /// <param name="isLast">Whether no more events come.</param>
    public void Look(LiveTable live, bool isLast)
    {
        TargetFigures figures = lane.Target.GetFigures();
        bool isDue = figures.Holes >= _threshold
            && (isLast || (figures.Holes >= figures.InUse / LeastShare && lane.Events - Events >= live.Count));
        if (isDue)
        {
            _threshold = figures.Holes + (figures.Holes / Growth);
            Take(live);
        }
    }

    private void Take(LiveTable live)
    {
        LiveObject[] objects = live.ToArray();
        var offsets = new ulong[objects.Length];
        var order = new int[objects.Length];
        int count = 0;
        for (int index = 0; index < objects.Length; index++)
        {
            if (lane.TryGetOffset(objects[index].Slot, out ulong offset))
            {
                offsets[count] = offset;
                order[count++] = index;
            }
        }

        Array.Sort(offsets, order, 0, count);
        _pins = [];
        (Bytes, Holes, Events) = (0, 0, lane.Events);
        ulong end = 0;
        for (int index = 0; index < count; index++)
        {
            LiveObject next = objects[order[index]];
            if (offsets[index] > end)
            {
                Charge(next.Site, offsets[index] - end);
            }

            end = offsets[index] + lane.Target.RoundUp(next.Requested);
        }
    }

    private void Charge(int site, ulong hole)
    {
        if (!_pins.TryGetValue(site, out SiteShare? share))
        {
            _pins.Add(site, share = new SiteShare(site));
        }

        share.Bytes += hole;
        share.Count++;
        Bytes += hole;
        Holes++;
    }
}
