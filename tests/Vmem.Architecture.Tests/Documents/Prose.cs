using System.Net;
using System.Text.RegularExpressions;

namespace Vmem.Architecture.Tests.Documents;

/// <summary>The words of a text without its markup, with one blank between two.</summary>
internal static partial class Prose
{
    /// <summary>Of a page, with its blocks of code.</summary>
    public static string OfMarkdown(string text) => Blanks().Replace(Emphasis().Replace(Link().Replace(text, "$1"), ""), " ").Trim();

    /// <summary>Of a page, without its blocks of code.</summary>
    public static string OfMarkdownOnly(string text) => OfMarkdown(Block().Replace(text, ""));

    /// <summary>Of the XML documentation in a file of C#.</summary>
    public static string OfDocumentation(string code)
    {
        string lines = string.Join(' ', code.Split('\n').Select(static line => line.Trim())
            .Where(static line => line.StartsWith("///", StringComparison.Ordinal)).Select(static line => line[3..]));
        string named = Reference().Replace(lines, static match => Parameters().Replace(match.Groups[1].Value, "").Split('.')[^1]);
        return Blanks().Replace(WebUtility.HtmlDecode(Tag().Replace(named, "")), " ").Trim();
    }

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex(@"\[([^\]]*)\]\([^)]*\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\*\*|`")]
    private static partial Regex Emphasis();

    [GeneratedRegex("<(?:see|paramref|typeparamref) (?:cref|name|langword|href)=\"([^\"(]*)[^\"]*\"\\s*/>")]
    private static partial Regex Reference();

    [GeneratedRegex(@"\{.*?\}")]
    private static partial Regex Parameters();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tag();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Blanks();
}
