using System.Globalization;
using System.Numerics;
using System.Text;
using Vmem.Tool.Commands;

namespace Vmem.Fuzz.Targets;

/// <summary>Sizes on the command line, against numbers of any length.</summary>
internal sealed class SizeTarget : FuzzTarget
{
    private const string Units = "BKMGT";

    public override string Name => "size";

    // The last is a digit of another script.
    public override IReadOnlyList<string> Words { get; } =
        ["K", "MB", "GiB", "T", "18446744073709551615", "17179869184", "-", "+", "\u0661"];

    public override bool Check(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        bool read = SizeText.TryParse(text, out ulong size);
        if (read)
        {
            string digits = new([.. text.TakeWhile(char.IsAsciiDigit)]);
            char letter = digits.Length == text.Length ? 'B' : char.ToUpperInvariant(text[digits.Length]);
            int shift = 10 * Units.IndexOf(letter, StringComparison.Ordinal);
            BigInteger expected = BigInteger.Parse(digits, CultureInfo.InvariantCulture) << shift;
            FindingException.Unless(expected == size, $"\"{text}\" is read as {size}.");
        }

        return read;
    }
}
