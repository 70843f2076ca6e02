using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Vmem.Net.Addresses;

/// <summary>Reads the addresses of CIDR notation, and nothing else.</summary>
/// <remarks><see cref="IPAddress.TryParse(ReadOnlySpan{char}, out IPAddress)"/> reads more than that. 010.0.0.0 is octal there, 10.1 is
/// 10.0.0.1, and brackets, ports and zones of IPv6 are let through. In a list of networks each of them is a mistake.</remarks>
internal static class AddressText
{
    private static readonly SearchValues<char> s_known = SearchValues.Create("0123456789abcdefABCDEF:.");

    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out IPAddress? address)
    {
        address = null;
        ReadOnlySpan<char> tail = text[(text.LastIndexOf(':') + 1)..];         // IPv6 may end with an IPv4 address
        bool mustBeDotted = tail.Length == text.Length || tail.Contains('.');
        return !text.ContainsAnyExcept(s_known) && (!mustBeDotted || IsDotted(tail)) && IPAddress.TryParse(text, out address);
    }

    /// <summary>A decimal number without sign, leading zeros and anything behind it.</summary>
    public static bool TryParseNumber(ReadOnlySpan<char> text, int most, out int number)
    {
        number = 0;
        if (text.Length is 0 or > 3 || (text.Length > 1 && text[0] == '0'))
        {
            return false;
        }

        foreach (char digit in text)
        {
            if (!char.IsAsciiDigit(digit))
            {
                return false;
            }

            number = (10 * number) + (digit - '0');
        }

        return number <= most;
    }

    private static bool IsDotted(ReadOnlySpan<char> text)
    {
        int parts = 0;
        foreach (Range part in text.Split('.'))
        {
            if (!TryParseNumber(text[part], byte.MaxValue, out _))
            {
                return false;
            }

            parts++;
        }

        return parts == 4;
    }
}
