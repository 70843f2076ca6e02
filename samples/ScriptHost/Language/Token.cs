namespace Vmem.Samples.Language;

internal enum TokenKind
{
    Number,
    Text,

    /// <summary>What the script's author named.</summary>
    Name,

    /// <summary>What the language named: <c>let</c>, <c>while</c> …</summary>
    Keyword,

    Symbol,
    End,
}

/// <summary>A word of a script.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Spelling">As written; of a text, what is between its quotes, escapes resolved.</param>
/// <param name="Number">Of a number, its value.</param>
/// <param name="Line">Counted from 1.</param>
internal readonly record struct Token(TokenKind Kind, string Spelling, long Number, int Line)
{
    public bool Is(TokenKind kind, string spelling) => Kind == kind && Spelling == spelling;

    public override string ToString() => Kind switch
    {
        TokenKind.End => "the end of the script",
        TokenKind.Text => "a text",
        _ => $"'{Spelling}'",
    };
}
