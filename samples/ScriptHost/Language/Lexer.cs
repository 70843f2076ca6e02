using System.Globalization;
using System.Text;

namespace Vmem.Samples.Language;

/// <summary>Cuts a script's text into tokens. Blanks and comments (from # to the end of the line) only separate; lines are remembered.</summary>
internal sealed class Lexer
{
    private static readonly HashSet<string> s_keywords = ["let", "fn", "if", "else", "while", "break", "return", "and", "or", "not", "nil"];

    private static readonly string[] s_symbols = ["==", "!=", "<=", ">=", "<", ">", "=", "+", "-", "*", "/", "%", "(", ")", "[", "]", "{", "}", ","];

    private readonly string _script;
    private readonly string _source;
    private readonly List<Token> _tokens = [];
    private int _at;
    private int _line = 1;

    private Lexer(string script, string source)
    {
        _script = script;
        _source = source;
    }

    /// <param name="script">The script's name, for errors.</param>
    /// <param name="source">Its text.</param>
    public static List<Token> Read(string script, string source)
    {
        var lexer = new Lexer(script, source);
        while (lexer.SkipToToken())
        {
            lexer._tokens.Add(lexer.Next());
        }

        lexer._tokens.Add(new Token(TokenKind.End, "", 0, lexer._line));
        return lexer._tokens;
    }

    private bool SkipToToken()
    {
        for (; _at < _source.Length; _at++)
        {
            if (_source[_at] == '#')
            {
                int end = _source.IndexOf('\n', _at);
                _at = end < 0 ? _source.Length : end;
            }

            if (_at < _source.Length && !char.IsWhiteSpace(_source[_at]))
            {
                return true;
            }

            _line += _at < _source.Length && _source[_at] == '\n' ? 1 : 0;
        }

        return false;
    }

    private Token Next()
    {
        char first = _source[_at];
        if (char.IsAsciiDigit(first))
        {
            return ReadNumber();
        }

        if (char.IsAsciiLetter(first) || first == '_')
        {
            string name = Take(letter => char.IsAsciiLetterOrDigit(letter) || letter == '_');
            return new Token(s_keywords.Contains(name) ? TokenKind.Keyword : TokenKind.Name, name, 0, _line);
        }

        if (first == '"')
        {
            return ReadText();
        }

        string symbol = Array.Find(s_symbols, candidate => string.CompareOrdinal(_source, _at, candidate, 0, candidate.Length) == 0)
            ?? throw Fault($"'{first}' is not of this language", "Comments begin with #, texts with \"");
        _at += symbol.Length;
        return new Token(TokenKind.Symbol, symbol, 0, _line);
    }

    private Token ReadNumber()
    {
        string digits = Take(char.IsAsciiLetterOrDigit);
        if (!long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out long number) || number > Limits.MostNumber)
        {
            throw Fault($"{digits} is no number", $"Numbers are decimal and at most {Limits.MostNumber}");
        }

        return new Token(TokenKind.Number, digits, number, _line);
    }

    private Token ReadText()
    {
        var text = new StringBuilder();
        for (_at++; _at < _source.Length && _source[_at] is not '"' and not '\n'; _at++)
        {
            text.Append(_source[_at] == '\\' ? ReadEscape() : _source[_at]);
        }

        if (_at >= _source.Length || _source[_at] != '"')
        {
            throw Fault("a text does not end on its line", "Close it with \"; a line's end within it is written \\n");
        }

        _at++;
        return new Token(TokenKind.Text, text.ToString(), 0, _line);
    }

    private char ReadEscape()
    {
        _at++;
        return (_at < _source.Length ? _source[_at] : '\0') switch
        {
            'n' => '\n',
            '"' => '"',
            '\\' => '\\',
            _ => throw Fault("a \\ stands before something it has no meaning for", "There are \\n, \\\" and \\\\"),
        };
    }

    private string Take(Predicate<char> belongs)
    {
        int start = _at;
        while (_at < _source.Length && belongs(_source[_at]))
        {
            _at++;
        }

        return _source[start.._at];
    }

    private ScriptException Fault(string problem, string advice) => new(_script, _line, problem, advice);
}
