namespace Vmem.Samples.Language;

/// <summary>
/// Makes a tree of a script's text. A statement ends with its line; an expression goes on to the next line only inside brackets or behind
/// an operator.
/// </summary>
internal sealed class Parser
{
    private readonly TokenStream _tokens;
    private readonly ExpressionParser _expressions;
    private readonly List<Function> _functions = [];

    private Parser(string script, string source)
    {
        _tokens = new TokenStream(script, source);
        _expressions = new ExpressionParser(_tokens);
    }

    /// <exception cref="ScriptException">It is no script.</exception>
    public static Tree Parse(string script, string source)
    {
        var parser = new Parser(script, source);
        var body = new List<Statement>();
        while (parser._tokens.Current.Kind != TokenKind.End)
        {
            if (parser._tokens.TryTake(TokenKind.Keyword, "fn"))
            {
                parser._functions.Add(parser.ReadFunction());
            }
            else
            {
                body.Add(parser.ReadStatement());
            }
        }

        return new Tree(parser._functions, body);
    }

    private Function ReadFunction()
    {
        int line = _tokens.Line;
        string name = _tokens.ExpectName("function");
        var parameters = new List<string>();
        _tokens.Expect("(", "behind a function's name");
        while (!_tokens.TryTake(TokenKind.Symbol, ")"))
        {
            if (parameters.Count > 0)
            {
                _tokens.Expect(",", "between two parameters, or ')' behind the last");
            }

            parameters.Add(_tokens.ExpectName("parameter"));
        }

        if (parameters.Count > Limits.MostItems)
        {
            throw _tokens.Fault($"{name} has more than {Limits.MostItems} parameters", "Give it an array");
        }

        return new Function(line, name, parameters, ReadBlock());
    }

    private List<Statement> ReadBlock()
    {
        _expressions.Enter();
        _tokens.Expect("{", "before a block");
        var statements = new List<Statement>();
        while (!_tokens.TryTake(TokenKind.Symbol, "}"))
        {
            if (_tokens.Current.Kind == TokenKind.End)
            {
                throw _tokens.Fault("a block does not end", "Close it with '}'");
            }

            statements.Add(ReadStatement());
        }

        _expressions.Leave();
        return statements;
    }

    private Statement ReadStatement()
    {
        Token first = _tokens.Current;
        Statement statement = first.Kind == TokenKind.Keyword ? ReadKeyword(first) : ReadSimple();
        if (_tokens.OnSameLine && _tokens.Current.Kind != TokenKind.End && !_tokens.Current.Is(TokenKind.Symbol, "}"))
        {
            throw _tokens.Fault($"{_tokens.Current} follows a statement on its line", "Begin each statement on a line of its own");
        }

        return statement;
    }

    private Statement ReadKeyword(Token first)
    {
        switch (first.Spelling)
        {
            case "let":
                _ = _tokens.Take();
                string name = _tokens.ExpectName("variable");
                _tokens.Expect("=", "and a first value behind a new variable");
                return new Let(first.Line, name, _expressions.Read());
            case "if":
                _ = _tokens.Take();
                return ReadIf(first.Line);
            case "while":
                _ = _tokens.Take();
                return new While(first.Line, _expressions.Read(), ReadBlock());
            case "break":
                _ = _tokens.Take();
                return new Break(first.Line);
            case "return":
                _ = _tokens.Take();
                bool isBare = !_tokens.OnSameLine || _tokens.Current.Kind == TokenKind.End || _tokens.Current.Is(TokenKind.Symbol, "}");
                return new Return(first.Line, isBare ? null : _expressions.Read());
            case "fn":
                throw _tokens.Fault("a function stands inside a block", "Move it out: functions stand at the top of a script only");
            default:
                return ReadSimple();
        }
    }

    private If ReadIf(int line)
    {
        Expression condition = _expressions.Read();
        List<Statement> then = ReadBlock();
        if (!_tokens.TryTake(TokenKind.Keyword, "else"))
        {
            return new If(line, condition, then, []);
        }

        int elseLine = _tokens.Line;
        if (!_tokens.TryTake(TokenKind.Keyword, "if"))
        {
            return new If(line, condition, then, ReadBlock());
        }

        _expressions.Enter();
        If next = ReadIf(elseLine);
        _expressions.Leave();
        return new If(line, condition, then, [next]);
    }

    private Statement ReadSimple()
    {
        int line = _tokens.Line;
        Expression expression = _expressions.Read();
        if (!_tokens.OnSameLine || !_tokens.TryTake(TokenKind.Symbol, "="))
        {
            return new Evaluation(line, expression);
        }

        return expression switch
        {
            Variable variable => new Assignment(line, variable.Name, _expressions.Read()),
            Item item => new ItemAssignment(line, item, _expressions.Read()),
            _ => throw _tokens.Fault("this cannot be given a value", "Variables and items of arrays and bytes can; to compare, write =="),
        };
    }
}
