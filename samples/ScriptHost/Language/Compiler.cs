namespace Vmem.Samples.Language;

/// <summary>Makes instructions of a script: its statements here, their expressions in <see cref="ExpressionCompiler"/>.</summary>
internal sealed class Compiler
{
    private readonly string _script;
    private readonly CodeWriter _code = new();
    private readonly ExpressionCompiler _expressions;

    // The breaks of each loop that is being written, innermost last: they lead behind it, once it is known where that is.
    private readonly Stack<List<int>> _breaks = [];

    private Compiler(string script, IReadOnlyList<Function> functions)
    {
        _script = script;
        _expressions = new ExpressionCompiler(script, _code, functions);
    }

    /// <exception cref="ScriptException">It is no script, or names what is not there.</exception>
    public static CompiledScript Compile(string script, string source)
    {
        Tree tree = Parser.Parse(script, source);
        var compiler = new Compiler(script, tree.Functions);
        List<CompiledFunction> functions = [compiler.CompileFunction(new Function(1, script, [], tree.Body))];
        functions.AddRange(tree.Functions.Select(compiler.CompileFunction));
        return new CompiledScript
        {
            Name = script,
            Code = compiler._code.Code,
            Numbers = compiler._code.Numbers,
            Texts = compiler._code.Texts,
            Functions = [.. functions],
        };
    }

    private CompiledFunction CompileFunction(Function function)
    {
        int start = _code.Next;
        Scope scope = _expressions.BeginFunction();
        foreach (string parameter in function.Parameters)
        {
            Declare(function.Line, scope, parameter);
        }

        CompileAll(function.Body, scope);
        CompileReturn(function.Line, value: null);
        return new CompiledFunction(function.Name, start, function.Parameters.Count, scope.Words, _code.Deepest);
    }

    private int Declare(int line, Scope scope, string name) => scope.TryDeclare(name, out int word)
        ? word
        : throw new ScriptException(_script, line, $"there is a variable {name} already", $"Leave 'let' out to change it, or choose another name");

    private void CompileBlock(IReadOnlyList<Statement> statements, Scope scope)
    {
        scope.EnterBlock();
        CompileAll(statements, scope);
        scope.LeaveBlock();
    }

    private void CompileAll(IReadOnlyList<Statement> statements, Scope scope)
    {
        foreach (Statement statement in statements)
        {
            Compile(statement, scope);
        }
    }

    private void Compile(Statement statement, Scope scope)
    {
        switch (statement)
        {
            case Let let:
                // The value first: "let a = a" means another a.
                _expressions.Compile(let.Value);
                _ = _code.Write(let.Line, Operation.StoreLocal, Declare(let.Line, scope, let.Name), -1);
                break;
            case Assignment assignment:
                _expressions.Compile(assignment.Value);
                _expressions.CompileStore(assignment.Line, assignment.Name);
                break;
            case ItemAssignment assignment:
                _expressions.Compile(assignment.Target.Block);
                _expressions.Compile(assignment.Target.At);
                _expressions.Compile(assignment.Value);
                _ = _code.Write(assignment.Line, Operation.StoreItem, 0, -3);
                break;
            case Evaluation evaluation:
                _expressions.Compile(evaluation.Expression);
                _ = _code.Write(evaluation.Line, Operation.Pop, 0, -1);
                break;
            case If choice:
                CompileIf(choice, scope);
                break;
            case While loop:
                CompileWhile(loop, scope);
                break;
            case Break leave when _breaks.Count == 0:
                throw new ScriptException(_script, leave.Line, "'break' stands outside every loop", "Put it into a 'while', or write 'return'");
            case Break leave:
                _breaks.Peek().Add(_code.Write(leave.Line, Operation.Jump, 0, 0));
                break;
            case Return leave:
                CompileReturn(leave.Line, leave.Value);
                break;
        }
    }

    private void CompileIf(If choice, Scope scope)
    {
        _expressions.Compile(choice.Condition);
        int toElse = _code.Write(choice.Line, Operation.JumpIfFalse, 0, -1);
        CompileBlock(choice.Then, scope);
        if (choice.Else.Count == 0)
        {
            _code.LandHere(toElse);
            return;
        }

        int toEnd = _code.Write(choice.Line, Operation.Jump, 0, 0);
        _code.LandHere(toElse);
        CompileBlock(choice.Else, scope);
        _code.LandHere(toEnd);
    }

    private void CompileWhile(While loop, Scope scope)
    {
        int start = _code.Next;
        _expressions.Compile(loop.Condition);
        int toEnd = _code.Write(loop.Line, Operation.JumpIfFalse, 0, -1);
        _breaks.Push([]);
        CompileBlock(loop.Body, scope);
        _ = _code.Write(loop.Line, Operation.Jump, start, 0);
        _code.LandHere(toEnd);
        _breaks.Pop().ForEach(_code.LandHere);
    }

    private void CompileReturn(int line, Expression? value)
    {
        if (value is null)
        {
            _ = _code.Write(line, Operation.PushNil, 0, 1);
        }
        else
        {
            _expressions.Compile(value);
        }

        _ = _code.Write(line, Operation.Return, 0, -1);
    }
}
