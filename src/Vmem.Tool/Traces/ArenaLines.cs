
namespace Vmem.Tool.Traces;

/// <summary>
/// The lines of a recorded arena that are no events: its head (<c>vmem 2</c>, <c>n NAME</c>, <c>q QUANTUM</c>, <c>u UNIT</c>), spans that
/// come (<c>s START SIZE</c>) and go (<c>d START SIZE</c>), the names of tags (<c>g TAG NAME</c>), the time (<c>t MICROSECONDS</c>), and
/// how many events are missing (<c>x COUNT</c>). docs/recording.md describes them.
/// </summary>
internal sealed class ArenaLines
{
    /// <summary>Nothing is larger that a program can count in: the user half of a 64-bit process' addresses.</summary>
    public const ulong LargestQuantum = 1UL << 47;

    private const ulong Version = 2;

    // Longer than any recording; far below what a TimeSpan holds.
    private const ulong MaxMicroseconds = 1UL << 56;

    /// <summary>Whether <c>Arena.Record</c> wrote this: the version was read. Else it is by hand, or by a script.</summary>
    public bool HasHead { get; private set; }

    /// <summary>The arena's quantum, in the recording's own units; null before the line, and without.</summary>
    public ulong? Quantum { get; private set; }

    /// <summary>How many events are missing so far.</summary>
    public ulong Missing { get; private set; }

    public TimeSpan? Elapsed { get; private set; }

    public TagTable Tags { get; } = new();

    /// <summary>Null when the line is well formed, else what was expected.</summary>
    public string? Parse(ReadOnlySpan<byte> line)
    {
        if (line.StartsWith("vmem "u8))
        {
            var scanner = new LineScanner(line, 4);
            bool isVersion = scanner.TryReadDecimal(out ulong version) && scanner.AtEnd;
            HasHead |= isVersion && version == Version;
            return !isVersion ? "expected \"vmem VERSION\""
                : version != Version ? $"this version of vmem reads recordings of version {Version}"
                : null;
        }

        return line.Length > 1 && LineScanner.IsBlank(line[1]) ? ParseSpaced(line) : Expected();
    }

    private string? ParseSpaced(ReadOnlySpan<byte> line)
    {
        var scanner = new LineScanner(line, 1);
        switch (line[0])
        {
            case (byte)'t' when scanner.TryReadDecimal(out ulong microseconds) && scanner.AtEnd && microseconds <= MaxMicroseconds:
                var stamp = TimeSpan.FromTicks((long)microseconds * TimeSpan.TicksPerMicrosecond);
                Elapsed = Elapsed > stamp ? Elapsed : stamp;
                return null;

            case (byte)'g' when scanner.TryReadDecimal(out ulong tag):
                Tags.Name(tag, scanner.TakeRest());
                return null;

            case (byte)'x' when scanner.TryReadDecimal(out ulong count) && scanner.AtEnd:
                Missing = Missing > ulong.MaxValue - count ? ulong.MaxValue : Missing + count;
                return null;

            case (byte)'q' when scanner.TryReadDecimal(out ulong quantum) && scanner.AtEnd:
                Quantum = quantum;
                return quantum is > 0 and <= LargestQuantum ? null : $"the quantum must be from 1 to {LargestQuantum}";

            case (byte)'n' or (byte)'u' or (byte)'s' or (byte)'d':
                return null;

            default:
                return Expected();
        }
    }

    private static string Expected() => "expected \"a ID SIZE\", \"f ID\" or a comment";
}
