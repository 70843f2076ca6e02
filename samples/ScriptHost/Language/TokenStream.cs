namespace Vmem.Samples.Language;

/// <summary>The tokens of a script, one after the other, and the errors about them.</summary>
internal sealed class TokenStream(string script, string source)
{
    private readonly List<Token> _tokens = Lexer.Read(script, source);
    private int _next;

    public Token Current => _tokens[_next];

    public int Line => Current.Line;

    /// <summary>Whether the next token stands on the line of the last: an expression does not go on behind a line's end.</summary>
    public bool OnSameLine => _next > 0 && Current.Line == _tokens[_next - 1].Line;

    public Token Take()
    {
        Token token = Current;
        _next += token.Kind == TokenKind.End ? 0 : 1;
        return token;
    }

    public bool TryTake(TokenKind kind, string spelling)
    {
        bool taken = Current.Is(kind, spelling);
        _ = taken ? Take() : Current;
        return taken;
    }

    public void Expect(string symbol, string where)
    {
        if (!TryTake(TokenKind.Symbol, symbol))
        {
            throw Fault($"{Current} stands where '{symbol}' should", $"Write '{symbol}' {where}");
        }
    }

    public string ExpectName(string what) => Current.Kind == TokenKind.Name
        ? Take().Spelling
        : throw Fault($"{Current} is no name", $"Write the name of the {what}: letters, digits and _, and none of the language's own words");

    public ScriptException Fault(string problem, string advice) => new(script, Current.Line, problem, advice);
}
