namespace Vmem.Samples.Language;

/// <summary>Makes instructions of expressions: each leaves its value, one more operand, on the stack.</summary>
internal sealed class ExpressionCompiler
{
    private static readonly Dictionary<string, Operation> s_operators = new()
    {
        ["+"] = Operation.Add,
        ["-"] = Operation.Subtract,
        ["*"] = Operation.Multiply,
        ["/"] = Operation.Divide,
        ["%"] = Operation.Remainder,
        ["=="] = Operation.Equal,
        ["!="] = Operation.NotEqual,
        ["<"] = Operation.Less,
        ["<="] = Operation.LessOrEqual,
        [">"] = Operation.Greater,
        [">="] = Operation.GreaterOrEqual,
    };

    private readonly string _script;
    private readonly CodeWriter _code;
    private readonly Dictionary<string, (int Number, int Parameters)> _functions = [];

    // The script's own variables are those of the first function, which is compiled before all others: whatever is left in its outermost
    // block by then, every function sees.
    private Scope? _globals;
    private Scope? _scope;

    public ExpressionCompiler(string script, CodeWriter code, IReadOnlyList<Function> functions)
    {
        _script = script;
        _code = code;
        foreach (Function function in functions)
        {
            if (Builtin.All.ContainsKey(function.Name) || function.Name == Builtin.Print
                || !_functions.TryAdd(function.Name, (_functions.Count + 1, function.Parameters.Count)))
            {
                throw new ScriptException(script, function.Line, $"there is a function {function.Name} already", "Choose another name");
            }
        }
    }

    /// <summary>The names of a new function, whose instructions follow.</summary>
    public Scope BeginFunction()
    {
        _code.BeginFunction();
        _scope = new Scope();
        _globals ??= _scope;
        return _scope;
    }

    public void Compile(Expression expression)
    {
        switch (expression)
        {
            case NumberLiteral number:
                _code.WriteNumber(number.Line, number.Number);
                break;
            case TextLiteral text:
                _code.WriteText(text.Line, text.Text);
                break;
            case NilLiteral nil:
                _ = _code.Write(nil.Line, Operation.PushNil, 0, 1);
                break;
            case Variable variable:
                bool isLocal = Find(variable.Line, variable.Name, out int word);
                _ = _code.Write(variable.Line, isLocal ? Operation.LoadLocal : Operation.LoadGlobal, word, 1);
                break;
            case ListLiteral list:
                CompileAll(list.Items);
                _ = _code.Write(list.Line, Operation.MakeList, list.Items.Count, 1 - list.Items.Count);
                break;
            case Item item:
                Compile(item.Block);
                Compile(item.At);
                _ = _code.Write(item.Line, Operation.LoadItem, 0, -1);
                break;
            case Unary unary:
                Compile(unary.Operand);
                _ = _code.Write(unary.Line, unary.Operator == "-" ? Operation.Negate : Operation.Not, 0, 0);
                break;
            case Binary binary:
                CompileBinary(binary);
                break;
            case Call call:
                CompileCall(call);
                break;
        }
    }

    /// <summary>Takes an operand off the stack into a variable.</summary>
    public void CompileStore(int line, string name)
    {
        bool isLocal = Find(line, name, out int word);
        _ = _code.Write(line, isLocal ? Operation.StoreLocal : Operation.StoreGlobal, word, -1);
    }

    private bool Find(int line, string name, out int word) =>
        _scope!.TryFind(name, out word) || (_globals!.TryFind(name, out word)
            ? false
            : throw new ScriptException(_script, line, $"there is no variable {name}", $"Write 'let {name} = …' before its first use"));

    private void CompileAll(IReadOnlyList<Expression> expressions)
    {
        foreach (Expression expression in expressions)
        {
            Compile(expression);
        }
    }

    private void CompileBinary(Binary binary)
    {
        Compile(binary.Left);
        if (s_operators.TryGetValue(binary.Operator, out Operation operation))
        {
            Compile(binary.Right);
            _ = _code.Write(binary.Line, operation, 0, -1);
            return;
        }

        int toEnd = _code.Write(binary.Line, binary.Operator == "and" ? Operation.JumpIfFalseElsePop : Operation.JumpIfTrueElsePop, 0, -1);
        Compile(binary.Right);
        _code.LandHere(toEnd);
    }

    private void CompileCall(Call call)
    {
        if (call.Name == Builtin.Print)
        {
            CompilePrint(call);
        }
        else if (Builtin.All.TryGetValue(call.Name, out Builtin builtin))
        {
            CheckArguments(call, builtin.Parameters);
            CompileAll(call.Arguments);
            _ = _code.Write(call.Line, builtin.Operation, 0, (builtin.Gives ? 1 : 0) - builtin.Parameters);
            _ = builtin.Gives ? 0 : _code.Write(call.Line, Operation.PushNil, 0, 1);
        }
        else if (_functions.TryGetValue(call.Name, out (int Number, int Parameters) function))
        {
            CheckArguments(call, function.Parameters);
            _ = _code.Write(call.Line, Operation.BeginCall, 0, CompiledFunction.LinkWords);
            CompileAll(call.Arguments);
            _ = _code.Write(call.Line, Operation.Call, function.Number, 1 - function.Parameters - CompiledFunction.LinkWords);
        }
        else
        {
            string names = string.Join(", ", Builtin.All.Keys.Append(Builtin.Print).Concat(_functions.Keys).Order(StringComparer.Ordinal));
            throw new ScriptException(_script, call.Line, $"there is no function {call.Name}", $"There are {names}");
        }
    }

    private void CompilePrint(Call call)
    {
        foreach (Expression value in call.Arguments)
        {
            Compile(value);
            _ = _code.Write(call.Line, Operation.Print, 0, -1);
        }

        _ = _code.Write(call.Line, Operation.PrintEnd, 0, 0);
        _ = _code.Write(call.Line, Operation.PushNil, 0, 1);
    }

    private void CheckArguments(Call call, int expected)
    {
        if (call.Arguments.Count != expected)
        {
            throw new ScriptException(_script, call.Line, $"{call.Name} is given {call.Arguments.Count} values", $"It takes {expected}");
        }
    }
}
