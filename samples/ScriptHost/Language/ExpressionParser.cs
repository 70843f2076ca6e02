namespace Vmem.Samples.Language;

/// <summary>
/// Reads expressions: or, and, comparisons, sums, products, then signs and <c>not</c>, then items and calls. What binds tighter is read by
/// the call for the next level; operators of one level associate to the left.
/// </summary>
internal sealed class ExpressionParser(TokenStream tokens)
{
    private static readonly string[][] s_levels = [["or"], ["and"], ["==", "!=", "<", "<=", ">", ">="], ["+", "-"], ["*", "/", "%"]];

    private const string DepthAdvice = "Use a variable, or a function, for a part of it";

    private int _nesting;

    public Expression Read()
    {
        Enter();
        Expression expression = ReadLevel(0);
        Leave();
        return expression.Depth <= Limits.MostDepth
            ? expression
            : throw tokens.Fault($"this is an expression of {expression.Depth} levels", DepthAdvice);
    }

    /// <summary>One level deeper in the script, and in the host's stack.</summary>
    public void Enter()
    {
        if (++_nesting > Limits.MostNesting)
        {
            throw tokens.Fault($"this lies {_nesting} levels deep", DepthAdvice);
        }
    }

    public void Leave() => _nesting--;

    private Expression ReadLevel(int level)
    {
        if (level == s_levels.Length)
        {
            return ReadPrefixed();
        }

        Expression left = ReadLevel(level + 1);
        while (tokens.OnSameLine && tokens.Current.Kind is TokenKind.Symbol or TokenKind.Keyword && s_levels[level].Contains(tokens.Current.Spelling))
        {
            Token sign = tokens.Take();
            left = new Binary(sign.Line, sign.Spelling, left, ReadLevel(level + 1));
        }

        return left;
    }

    private Expression ReadPrefixed()
    {
        int line = tokens.Line;
        string? sign = tokens.TryTake(TokenKind.Symbol, "-") ? "-" : tokens.TryTake(TokenKind.Keyword, "not") ? "not" : null;
        if (sign is null)
        {
            return ReadItems();
        }

        Enter();
        Expression operand = ReadPrefixed();
        Leave();
        return new Unary(line, sign, operand);
    }

    private Expression ReadItems()
    {
        Expression expression = ReadPrimary();
        while (tokens.OnSameLine && tokens.TryTake(TokenKind.Symbol, "["))
        {
            int line = tokens.Line;
            Expression at = Read();
            tokens.Expect("]", "behind the number of an item");
            expression = new Item(line, expression, at);
        }

        return expression;
    }

    private Expression ReadPrimary()
    {
        Token token = tokens.Take();
        switch (token.Kind)
        {
            case TokenKind.Number:
                return new NumberLiteral(token.Line, token.Number);
            case TokenKind.Text:
                return new TextLiteral(token.Line, token.Spelling);
            case TokenKind.Name when tokens.OnSameLine && tokens.TryTake(TokenKind.Symbol, "("):
                return new Call(token.Line, token.Spelling, ReadList(")"));
            case TokenKind.Name:
                return new Variable(token.Line, token.Spelling);
            case TokenKind.Keyword when token.Spelling == "nil":
                return new NilLiteral(token.Line);
            case TokenKind.Symbol when token.Spelling == "[":
                return new ListLiteral(token.Line, ReadList("]"));
            case TokenKind.Symbol when token.Spelling == "(":
                Expression inner = Read();
                tokens.Expect(")", "behind what '(' began");
                return inner;
            default:
                throw tokens.Fault($"{token} stands where a value should", "Write a number, a text, a name, a call or a list");
        }
    }

    private List<Expression> ReadList(string end)
    {
        var items = new List<Expression>();
        while (!tokens.TryTake(TokenKind.Symbol, end))
        {
            if (items.Count > 0)
            {
                tokens.Expect(",", $"between two values, or '{end}' behind the last");
            }

            items.Add(Read());
            if (items.Count > Limits.MostItems)
            {
                throw tokens.Fault($"these are more than {Limits.MostItems} values", "Make an array and fill it in a loop");
            }
        }

        return items;
    }
}
