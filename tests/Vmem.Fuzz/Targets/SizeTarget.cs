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

    public override IReadOnlyList<string> Words { get; } = ["K", "MB", "GiB", "T", "18446744073709551615", "17179869184", "-", "+", "\u0661"];

    public override bool Check(byte[] input)
    {
        string text = Encoding.UTF8.GetString(input);
        bool read = SizeText.TryParse(text, out ulong size);
        if (read)
        {
            string digits = new([.. text.TakeWhile(char.IsAsciiDigit)]);
            int unit = digits.Length == text.Length ? 0 : Units.IndexOf(char.ToUpperInvariant(text[digits.Length]), StringComparison.Ordinal);
            FindingException.Unless(BigInteger.Parse(digits, CultureInfo.InvariantCulture) << (10 * unit) == size, $"\"{text}\" is read as {size}.");
        }

        return read;
    }
}
