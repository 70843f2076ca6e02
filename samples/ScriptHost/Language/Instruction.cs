namespace Vmem.Samples.Language;

/// <summary>What the machine can do. Operands come off its stack, results go onto it.</summary>
internal enum Operation : byte
{
    PushNumber,
    PushText,
    PushNil,
    Pop,
    LoadLocal,
    StoreLocal,
    LoadGlobal,
    StoreGlobal,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
    Negate,
    Not,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Jump,
    JumpIfFalse,

    /// <summary>The value decides, and stays if it jumps: <c>and</c>.</summary>
    JumpIfFalseElsePop,

    /// <summary>Likewise: <c>or</c>.</summary>
    JumpIfTrueElsePop,

    /// <summary>Makes room for the links of the frame whose parameters come next.</summary>
    BeginCall,
    Call,
    Return,
    MakeList,
    LoadItem,
    StoreItem,
    MakeArray,
    MakeBytes,
    ToText,
    Length,
    Free,
    Share,
    Shared,
    Print,
    PrintEnd,
}

/// <param name="Operation">What to do.</param>
/// <param name="Operand">Which variable, constant or function, how many, or where to go on: the operation knows.</param>
/// <param name="Line">The line of the script that asked for it.</param>
internal readonly record struct Instruction(Operation Operation, int Operand, int Line);

/// <param name="Name">As the script calls it.</param>
/// <param name="Start">Its first instruction.</param>
/// <param name="Parameters">How many values a call passes.</param>
/// <param name="Variables">How many words its variables take, parameters included.</param>
/// <param name="Depth">The most words its operands take at once.</param>
internal sealed record CompiledFunction(string Name, int Start, int Parameters, int Variables, int Depth)
{
    /// <summary>The words before a frame: where the caller goes on, and where its frame begins.</summary>
    public const int LinkWords = 2;
}

/// <summary>
/// A script ready to run, any number of times, in as many clients at once. It is the host's and never changes; whatever a run changes is in
/// its client's memory.
/// </summary>
internal sealed record CompiledScript
{
    public required string Name { get; init; }

    public required Instruction[] Code { get; init; }

    public required long[] Numbers { get; init; }

    /// <summary>Literals, in UTF-8.</summary>
    public required byte[][] Texts { get; init; }

    /// <summary>The first is the script itself.</summary>
    public required CompiledFunction[] Functions { get; init; }
}
