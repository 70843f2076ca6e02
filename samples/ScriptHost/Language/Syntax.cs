namespace Vmem.Samples.Language;

/// <summary>A part of a script's tree.</summary>
internal abstract record Node(int Line);

/// <param name="Line">Where it stands.</param>
/// <param name="Depth">How many calls deep whoever walks it gets: 1 for what has no parts.</param>
internal abstract record Expression(int Line, int Depth) : Node(Line);

internal sealed record NumberLiteral(int Line, long Number) : Expression(Line, 1);

internal sealed record TextLiteral(int Line, string Text) : Expression(Line, 1);

internal sealed record NilLiteral(int Line) : Expression(Line, 1);

internal sealed record ListLiteral(int Line, IReadOnlyList<Expression> Items) : Expression(Line, 1 + Tree.DepthOf(Items));

internal sealed record Variable(int Line, string Name) : Expression(Line, 1);

internal sealed record Item(int Line, Expression Block, Expression At) : Expression(Line, 1 + Math.Max(Block.Depth, At.Depth));

internal sealed record Call(int Line, string Name, IReadOnlyList<Expression> Arguments) : Expression(Line, 1 + Tree.DepthOf(Arguments));

internal sealed record Unary(int Line, string Operator, Expression Operand) : Expression(Line, 1 + Operand.Depth);

internal sealed record Binary(int Line, string Operator, Expression Left, Expression Right)
    : Expression(Line, 1 + Math.Max(Left.Depth, Right.Depth));

internal abstract record Statement(int Line) : Node(Line);

internal sealed record Let(int Line, string Name, Expression Value) : Statement(Line);

internal sealed record Assignment(int Line, string Name, Expression Value) : Statement(Line);

internal sealed record ItemAssignment(int Line, Item Target, Expression Value) : Statement(Line);

internal sealed record Evaluation(int Line, Expression Expression) : Statement(Line);

internal sealed record If(int Line, Expression Condition, IReadOnlyList<Statement> Then, IReadOnlyList<Statement> Else) : Statement(Line);

internal sealed record While(int Line, Expression Condition, IReadOnlyList<Statement> Body) : Statement(Line);

internal sealed record Break(int Line) : Statement(Line);

internal sealed record Return(int Line, Expression? Value) : Statement(Line);

internal sealed record Function(int Line, string Name, IReadOnlyList<string> Parameters, IReadOnlyList<Statement> Body) : Node(Line);

/// <summary>A whole script: its functions, and what it does.</summary>
internal sealed record Tree(IReadOnlyList<Function> Functions, IReadOnlyList<Statement> Body)
{
    public static int DepthOf(IReadOnlyList<Expression> expressions) => expressions.Count == 0 ? 0 : expressions.Max(expression => expression.Depth);
}
