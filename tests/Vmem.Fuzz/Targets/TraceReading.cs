using Vmem.Tool.Traces;

namespace Vmem.Fuzz.Targets;

/// <summary>What a recording reads as: its events as a number and a digest, and why and where it was refused.</summary>
/// <param name="Events">How many.</param>
/// <param name="Digest">Of all of them, in order.</param>
/// <param name="Fault">Null if the recording is well formed.</param>
/// <param name="FaultLine">0 if the whole file is at fault.</param>
internal readonly record struct TraceReading(long Events, ulong Digest, string? Fault, long FaultLine)
{
    // The 64-bit FNV offset and prime: any mixing would do.
    private const ulong DigestStart = 0xcbf29ce484222325;
    private const ulong DigestPrime = 0x100000001b3;

    /// <summary>Reads to the end or to the first fault.</summary>
    public static TraceReading Of(Stream stream)
    {
        long events = 0;
        ulong digest = DigestStart;
        TimeSpan before = default;
        try
        {
            using var reader = new TraceReader(TraceInput.Open(TraceInput.StandardInput, () => stream));
            while (reader.TryRead(out TraceEvent next))
            {
                events++;
                digest = Mix(Mix(Mix(Mix(digest, (ulong)next.Kind), next.Id), next.Size), (ulong)next.Site);
                digest = Mix(digest, (ulong)(reader.Elapsed ?? TimeSpan.Zero).Ticks);
                FindingException.Unless(next.Site >= 0 && next.Site <= reader.Stacks.Count, "A site that is not in the table.");
                FindingException.Unless(reader.Elapsed is null || reader.Elapsed >= before, "Time runs backwards.");
                before = reader.Elapsed ?? before;
                FindingException.Unless(events <= 2 * reader.LineNumber, "More than two events a line.");
            }

            return new TraceReading(events, digest, null, 0);
        }
        catch (MalformedTraceException fault)
        {
            CheckMessage(fault.Message);
            return new TraceReading(events, digest, fault.Message, fault.Line);
        }
    }

    private static ulong Mix(ulong digest, ulong value)
    {
        ulong mixed = (digest ^ value) * DigestPrime;
        return mixed ^ (mixed >> 32);
    }

    // It goes to a terminal: no escape sequences out of a file, and no line of a megabyte.
    public static void CheckMessage(string message)
    {
        const int mostCharacters = 400;
        FindingException.Unless(message.Length <= mostCharacters, $"A message of {message.Length} characters.");
        FindingException.Unless(!message.Any(char.IsControl), "A message with a control character.");
    }
}
