using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Numerics;
using Vmem.Diagnostics;

namespace Vmem;

/// <summary>What the callers of an audited arena, or of a heap that keeps owners, hold, grouped by the stacks that allocated it: the
/// largest total first.</summary>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{ArenaName,nq}: {Size} in {Ranges} ranges, from {Groups.Count} places")]
public sealed class AuditReport<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly string _kind;

    /// <summary>Makes a report from its groups. For allocators, such as the heap of Vmem.Memory; others ask one for its report.</summary>
    /// <param name="arenaName">The name of the arena, or of the heap.</param>
    /// <param name="taken">When the groups were gathered.</param>
    /// <param name="groups">One group for each stack, the largest total size first. The list becomes the report's: it must not change
    /// any more.</param>
    /// <param name="kind">What the report calls the allocator, in lower case: "arena".</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    [EditorBrowsable(EditorBrowsableState.Never)]
    public AuditReport(string arenaName, DateTimeOffset taken, IReadOnlyList<AuditGroup<T>> groups, string kind)
    {
        ArgumentNullException.ThrowIfNull(arenaName);
        ArgumentNullException.ThrowIfNull(groups);
        ArgumentNullException.ThrowIfNull(kind);
        _kind = kind;
        ArenaName = arenaName;
        Taken = taken;
        Groups = groups;
        foreach (AuditGroup<T> group in groups)
        {
            Ranges += group.Ranges;
            Size = Saturation.Add(Size, group.Size);
        }
    }

    /// <summary>The arena's name, or the heap's.</summary>
    public string ArenaName { get; }

    /// <summary>When the report was made, by the arena's <see cref="ArenaOptions{T}.TimeProvider"/>.</summary>
    public DateTimeOffset Taken { get; }

    /// <summary>How many ranges are live.</summary>
    public long Ranges { get; }

    /// <summary>Their total size in units; <c>T.MaxValue</c> if <typeparamref name="T"/> cannot hold it.</summary>
    public T Size { get; }

    /// <summary>One group for each stack, the largest total size first.</summary>
    public IReadOnlyList<AuditGroup<T>> Groups { get; }

    /// <summary>Writes the report as text.</summary>
    /// <param name="writer">Where to.</param>
    public void Write(TextWriter writer)
    {
        ArgumentNullException.ThrowIfNull(writer);
        CultureInfo plain = CultureInfo.InvariantCulture;
        writer.WriteLine(string.Create(plain, $"{_kind} '{ArenaName}': {Ranges} live of {Size} in all, from {Groups.Count} places, at {Taken:O}"));
        foreach (AuditGroup<T> group in Groups)
        {
            writer.WriteLine(string.Create(plain, $"{group.Ranges} of {group.Size} in all, the oldest for {group.OldestAge}:"));
            writer.WriteLine(group.Stack);
            foreach (AuditedRange<T> range in group.First)
            {
                writer.WriteLine(string.Create(plain, $"  {range}"));
            }

            if (group.Ranges > group.First.Count)
            {
                writer.WriteLine(string.Create(plain, $"  and {group.Ranges - group.First.Count} more"));
            }
        }
    }

    /// <summary>The report as text.</summary>
    /// <returns>What <see cref="Write"/> writes.</returns>
    public override string ToString()
    {
        using var writer = new StringWriter(CultureInfo.InvariantCulture);
        Write(writer);
        return writer.ToString();
    }
}
