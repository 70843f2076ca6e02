using System.Buffers;

namespace Vmem.Tool.Files;

/// <summary>Text of others as it can stand in one line of a terminal. Names in files, in databases and of programs may hold anything, also
/// what moves a cursor or begins a line of its own.</summary>
internal static class PlainText
{
    // C0, DEL and C1, the line and paragraph separators, and what turns the direction of the text behind it.
    private static readonly SearchValues<char> s_unsafe = SearchValues.Create(
    [
        .. Enumerable.Range(0, 0x100).Select(static code => (char)code).Where(char.IsControl),
        '\u2028', '\u2029',
        .. Enumerable.Range(0x202a, 5).Select(static code => (char)code),
        .. Enumerable.Range(0x2066, 4).Select(static code => (char)code),
    ]);

    /// <summary>The same text, with a dot for each character that is not only shown.</summary>
    public static string Of(string text) => text.AsSpan().ContainsAny(s_unsafe)
        ? string.Concat(text.Select(static letter => s_unsafe.Contains(letter) ? '.' : letter))
        : text;
}
