using System.Numerics;

namespace Vmem.Tool.Reports;

/// <summary>Which kinds of ranges have a colour of their own: those of which most is in use. The rest share one.</summary>
internal sealed class KindColors
{
    /// <summary>As many as an eye tells apart, those of weak colour sight included; the colours are in map.css.</summary>
    private const int Most = 7;

    private const string PlainStyle = "used";

    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);

    public KindColors(ArenaPicture arena)
    {
        var sums = new Dictionary<string, BigInteger>(StringComparer.Ordinal);
        foreach (RangePicture range in arena.Spans.SelectMany(span => span.Allocated))
        {
            if (range.Kind is { } kind)
            {
                sums[kind] = sums.GetValueOrDefault(kind) + range.Size;
            }
            else
            {
                HasOthers = true;
            }
        }

        foreach ((string kind, _) in sums.OrderByDescending(sum => sum.Value).ThenBy(sum => sum.Key, StringComparer.Ordinal).Take(Most))
        {
            _numbers.Add(kind, _numbers.Count + 1);
        }

        HasOthers |= sums.Count > Most;
    }

    /// <summary>Whether some ranges have no colour of their own.</summary>
    public bool HasOthers { get; }

    /// <summary>How many colours there are, that of the others included.</summary>
    public int Count => _numbers.Count + 1;

    /// <summary>The kinds that have a colour, and its style.</summary>
    public IEnumerable<(string Kind, string Style)> Named => _numbers.Select(kind => (kind.Key, StyleOf(kind.Value)));

    /// <summary>The number of a kind's colour; 0: that of the others.</summary>
    public int NumberOf(string? kind) => kind is null ? 0 : _numbers.GetValueOrDefault(kind);

    public static string StyleOf(int number) => number == 0 ? PlainStyle : $"{PlainStyle} kind{number}";
}
