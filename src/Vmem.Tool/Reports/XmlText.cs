using System.Security;
using System.Text;

namespace Vmem.Tool.Reports;

/// <summary>Text as XML can hold it: markup is escaped, and what XML has no place for (control characters, half surrogates) is
/// replaced.</summary>
internal static class XmlText
{
    public static string Escape(string text)
    {
        var clean = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            // EnumerateRunes has put U+FFFD for half a surrogate pair.
            bool isAllowed = rune.Value is '\t' or '\n' or (>= 0x20 and < 0x7f) or (>= 0xa0 and not (0xfffe or 0xffff));
            clean.Append(isAllowed ? rune.ToString() : "\ufffd");
        }

        return SecurityElement.Escape(clean.ToString());
    }
}
