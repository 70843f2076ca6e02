using System.Numerics;

namespace Vmem.Diagnostics;

/// <summary>Gathers live ranges into the groups of a report.</summary>
internal sealed class AuditCensus<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>How many ranges of a group are named. Arbitrary.</summary>
    private const int Named = 8;

    private readonly Dictionary<string, Group> _groups = [];

    private sealed class Group
    {
        public long Ranges;
        public T Size;
        public List<AuditedRange<T>> First { get; } = new(Named + 1);
    }

    /// <summary>Adds a live range and the call that allocated it.</summary>
    public void Add(T start, T size, AuditSite owner)
    {
        if (!_groups.TryGetValue(owner.Stack, out Group? group))
        {
            _groups.Add(owner.Stack, group = new Group());
        }

        group.Ranges++;
        group.Size = Saturation.Add(group.Size, size);
        var range = new AuditedRange<T>(start, size, owner.Call, owner.ThreadId, owner.ThreadName, owner.Time);
        int place = group.First.Count;
        while (place > 0 && IsBefore(range, group.First[place - 1]))
        {
            place--;
        }

        if (place < Named)
        {
            group.First.Insert(place, range);
            if (group.First.Count > Named)
            {
                group.First.RemoveAt(Named);
            }
        }
    }

    public AuditReport<T> ToReport(string arenaName, DateTimeOffset now, string kind = "arena") => new(
        arenaName,
        now,
        [
            .. _groups
                .OrderByDescending(entry => entry.Value.Size)
                .ThenByDescending(entry => entry.Value.Ranges)
                .ThenBy(entry => entry.Key, StringComparer.Ordinal)
                .Select(entry => new AuditGroup<T>(entry.Key, entry.Value.Ranges, entry.Value.Size, now - entry.Value.First[0].Time,
                    entry.Value.First)),
        ],
        kind);

    private static bool IsBefore(in AuditedRange<T> one, in AuditedRange<T> other) =>
        one.Time < other.Time || (one.Time == other.Time && one.Start < other.Start);
}
