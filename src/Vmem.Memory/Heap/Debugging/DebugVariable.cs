using System.Globalization;

namespace Vmem.Memory.Heap.Debugging;

/// <summary>The environment variable VMEM_DEBUG: debugging for the heaps of a program that is not to be compiled again.</summary>
/// <remarks>
/// Read until it makes sense, and asked when a heap is made whose options say nothing. A heap's own options win, so that a test of a heap
/// at full speed remains one. A word that is not known is an error of every such heap. Rejected: libumem's way, to ignore it, by which one
/// looks for a mistake with tools that are not there.
/// </remarks>
internal static class DebugVariable
{
    public const string Name = "VMEM_DEBUG";

    private const int UsualSample = 1_000;        // arbitrary

    private static HeapDebugging? s_value;

    public static HeapDebugging Value => s_value ??= Parse(Environment.GetEnvironmentVariable(Name));

    public static HeapDebugging Parse(string? text)
    {
        HeapDebugging debugging = HeapDebugging.None;
        HeapDebugging usual = HeapDebugging.Default;
        foreach (string item in (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = item.IndexOf('=', StringComparison.Ordinal);
            string word = equals < 0 ? item : item[..equals];
            string? amount = equals < 0 ? null : item[(equals + 1)..];
            debugging = (word, amount) switch
            {
                ("none", null) => HeapDebugging.None,
                ("default", null) => debugging with
                {
                    Owners = true,
                    RedZone = usual.RedZone,
                    FillFresh = true,
                    PoisonFreed = true,
                    Quarantine = Math.Max(debugging.Quarantine, usual.Quarantine)
                },
                ("audit", null) => debugging with { Owners = true },
                ("contents", null) => debugging with
                {
                    FillFresh = true,
                    PoisonFreed = true,
                    Quarantine = Math.Max(debugging.Quarantine, usual.Quarantine)
                },
                ("guards", null) => debugging with { RedZone = usual.RedZone },
                ("guards", not null) when Bytes(amount, item) is var bytes and <= HeapDebugging.MostRedZone => debugging with { RedZone = bytes },
                ("exact", null) => debugging with { ExactGuards = true },
                ("quarantine", not null) => debugging with { Quarantine = Bytes(amount, item) },
                ("sample", null) => debugging with { Sample = UsualSample },
                ("sample", not null) when int.TryParse(amount, NumberStyles.None, CultureInfo.InvariantCulture, out int every) && every > 0 =>
                    debugging with { Sample = every },
                ("firewall", _) => Firewall(debugging, amount, item),
                ("leaks", null) => debugging with { Leaked = WriteLeak, Damaged = WriteDamage },
                _ => throw Unknown(item),
            };
        }

        return debugging;
    }

    private static HeapDebugging Firewall(HeapDebugging debugging, string? range, string item)
    {
        string[] ends = range?.Split('-') ?? ["0"];
        if (ends.Length > 2)
        {
            throw Unknown(item);
        }

        nuint from = Bytes(ends[0], item);
        nuint to = ends.Length == 2 ? Bytes(ends[1], item) : nuint.MaxValue;
        return from <= to ? debugging with { GuardPagesFrom = from, GuardPagesTo = to } : throw Unknown(item);
    }

    private static nuint Bytes(string text, string item)
    {
        int shift = text.Length == 0 ? 0 : text[^1] switch { 'K' => 10, 'M' => 20, 'G' => 30, _ => 0 };
        return nuint.TryParse(shift == 0 ? text : text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out nuint number) &&
            number <= nuint.MaxValue >> shift
            ? number << shift
            : throw Unknown(item);
    }

    private static FormatException Unknown(string item) =>
        new($"{Name} cannot hold '{item}'. It is a list of: default, audit, contents, guards[=BYTES], quarantine=BYTES, firewall[=FROM[-TO]], exact, sample[=N], leaks, none. Bytes may end in K, M or G; guards has at most 1M.");

    private static void WriteLeak(HeapLeak leak) => Console.Error.WriteLine(
        leak.Report?.ToString() ?? string.Create(CultureInfo.InvariantCulture, $"heap '{leak.HeapName}': {leak.Blocks} live of {leak.Size} in all"));

    private static void WriteDamage(HeapDamage damage) => Console.Error.WriteLine(damage.Text);
}
