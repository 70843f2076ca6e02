using System.Globalization;
using System.Numerics;
using System.Text;

namespace Vmem.Testing.Recording;

/// <summary>What a recording says, replayed in the most naive way: a sorted set of what is live. It throws when a range is allocated over
/// another, or freed and not live; but after a gap it takes that for what was missed, as the tool does.</summary>
public sealed class RecordedRanges
{
    private readonly SortedDictionary<UInt128, (UInt128 Size, ulong Tag)> _live = [];
    private readonly SortedSet<UInt128> _starts = [];

    public long Events { get; private set; }

    public long Missing { get; private set; }

    public UInt128 Quantum { get; private set; } = 1;

    public UInt128 Unit { get; private set; } = 1;

    public string Name { get; private set; } = "";

    public Dictionary<ulong, string> TagNames { get; } = [];

    public Dictionary<UInt128, UInt128> Spans { get; } = [];

    /// <summary>What is live after the last line: start and size in the arena's values.</summary>
    public IEnumerable<(UInt128 Start, UInt128 Size)> Live => _live.Select(range => (range.Key * Unit, range.Value.Size * Unit));

    public ulong TagOf(UInt128 start) => _live[start / Unit].Tag;

    public static RecordedRanges Read(byte[] recording) => Read(Encoding.UTF8.GetString(recording));

    public static RecordedRanges Read(string recording)
    {
        RecordedRanges ranges = new();
        int number = 0;
        foreach (string line in recording.Split('\n'))
        {
            number++;
            try
            {
                ranges.Replay(line);
            }
            catch (Exception fault) when (fault is FormatException
                or InvalidOperationException
                or IndexOutOfRangeException
                or KeyNotFoundException)
            {
                throw new InvalidOperationException($"Line {number}, \"{line}\": {fault.Message}", fault);
            }
        }

        return ranges;
    }

    /// <summary>Compares with what an arena holds; null if it is the same.</summary>
    public string? Compare<T>(IEnumerable<Segment<T>> segments)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        List<Segment<T>> all = [.. segments];
        string arena = string.Join(' ', all.Where(static segment => segment.Kind == SegmentKind.Allocated).Select(static segment => $"{segment.Start}+{segment.Size}"));
        string recorded = string.Join(' ', Live.Select(static range => $"{range.Start}+{range.Size}"));
        string spans = string.Join(' ', all.Where(static segment => segment.Kind == SegmentKind.Span).Select(static segment => $"{segment.Start}+{segment.Size}"));
        string recordedSpans = string.Join(' ', Spans.OrderBy(static span => span.Key).Select(span => $"{span.Key * Unit}+{span.Value * Unit}"));
        return arena != recorded ? $"The arena holds {arena}, the recording {recorded}."
            : spans != recordedSpans ? $"The arena has the spans {spans}, the recording {recordedSpans}."
            : null;
    }

    private void Replay(string line)
    {
        string[] words = line.Split(' ');
        switch (words[0])
        {
            case "a":
                Events++;
                Allocate(Number(words[1]), Number(words[2]), words.Length > 3 ? ulong.Parse(words[3], CultureInfo.InvariantCulture) : 0);
                break;
            case "f":
                Events++;
                Free(Number(words[1]));
                break;
            case "r":
                Events++;
                ulong tag = _live[Number(words[1])].Tag;
                Free(Number(words[1]));
                Allocate(Number(words[1]), Number(words[2]), tag);
                break;
            case "s":
                Spans.Add(Number(words[1]), Number(words[2]));
                break;
            case "d":
                Demand(Spans.Remove(Number(words[1]), out UInt128 size) && size == Number(words[2]), "there is no such span");
                break;
            case "g":
                Demand(TagNames.TryAdd(ulong.Parse(words[1], CultureInfo.InvariantCulture), string.Join(' ', words[2..])), "the tag was named before");
                break;
            case "x":
                Missing += long.Parse(words[1], CultureInfo.InvariantCulture);
                break;
            case "n":
                Name = line[2..];
                break;
            case "q":
                Quantum = Number(words[1]);
                break;
            case "u":
                Unit = Number(words[1]);
                break;
            case "vmem":
                Demand(words[1] == "2", "it is another version");
                break;
            case "t" or "#" or "":
                break;
            default:
                throw new FormatException("there is no such line");
        }
    }

    private void Allocate(UInt128 start, UInt128 size, ulong tag)
    {
        Demand(size > 0, "it is empty");
        while (TryFindOverlap(start, size, out UInt128 before))
        {
            Demand(Missing > 0, $"{_live[before].Size} at {before} is live there");
            Free(before);
        }

        _live.Add(start, (size, tag));
        _starts.Add(start);
    }

    private void Free(UInt128 start)
    {
        Demand(_live.Remove(start) || Missing > 0, "it is not live");
        _starts.Remove(start);
    }

    private bool TryFindOverlap(UInt128 start, UInt128 size, out UInt128 before)
    {
        SortedSet<UInt128> upToEnd = _starts.GetViewBetween(0, start + (size - 1));
        before = upToEnd.Max;
        return upToEnd.Count > 0 && before + (_live[before].Size - 1) >= start;
    }

    private static UInt128 Number(string word) => UInt128.Parse(word, NumberStyles.None, CultureInfo.InvariantCulture);

    private static void Demand(bool condition, string otherwise)
    {
        if (!condition)
        {
            throw new InvalidOperationException(otherwise);
        }
    }
}
