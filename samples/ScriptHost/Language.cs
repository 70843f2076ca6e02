using System.Globalization;

namespace Vmem.Samples;

/// <summary>What a line can do; README.md says what each means.</summary>
internal enum Operation
{
    Set, Add, Sub, Mul, Div, Rem, New, Raw, Size, Get, Put, Free, Share, Fetch, Print, If, While, End,
}

/// <summary>A variable, one of a to z, or a value that the script's author wrote.</summary>
internal readonly record struct Operand(char Variable, Value Value)
{
    public bool IsVariable => Variable != '\0';
}

/// <param name="Operation">What to do.</param>
/// <param name="Line">The line that asks for it, counted from 1.</param>
/// <param name="Operands">Variables and values, in the order of the line.</param>
/// <param name="Text">A name, a comparison, or what is to be printed.</param>
/// <param name="Target">Where a condition that is false, or an end, goes on.</param>
internal sealed record Instruction(Operation Operation, int Line, Operand[] Operands, string Text, int Target = -1);

/// <summary>A script ready to run, in any number of clients at once: it never changes.</summary>
internal sealed record Script(string Name, IReadOnlyList<Instruction> Code)
{
    // The operands of each operation: v a variable, x a variable or a value, c a comparison, n a name, t the rest of the line.
    private static readonly Dictionary<Operation, string> s_shapes = new()
    {
        [Operation.Set] = "vx",
        [Operation.Add] = "vx",
        [Operation.Sub] = "vx",
        [Operation.Mul] = "vx",
        [Operation.Div] = "vx",
        [Operation.Rem] = "vx",
        [Operation.New] = "vx",
        [Operation.Raw] = "vx",
        [Operation.Size] = "vx",
        [Operation.Get] = "vxx",
        [Operation.Put] = "xxx",
        [Operation.Free] = "x",
        [Operation.Share] = "nx",
        [Operation.Fetch] = "vn",
        [Operation.Print] = "t",
        [Operation.If] = "xcx",
        [Operation.While] = "xcx",
        [Operation.End] = "",
    };

    /// <exception cref="ScriptException">It is no script.</exception>
    public static Script Parse(string name, string source)
    {
        List<Instruction> code = [];
        Stack<int> open = [];
        string[] lines = source.ReplaceLineEndings("\n").Split('\n');
        for (int line = 1; line <= lines.Length; line++)
        {
            string text = lines[line - 1].Trim();
            if (text.Length == 0 || text[0] == '#')
            {
                continue;
            }

            Instruction instruction = ParseLine(name, line, text);
            code.Add(instruction.Operation == Operation.End ? Close(name, instruction, code, open) : instruction);
            if (instruction.Operation is Operation.If or Operation.While)
            {
                open.Push(code.Count - 1);
            }
        }

        return open.Count == 0
            ? new Script(name, code)
            : throw new ScriptException(name, code[open.Peek()].Line, "this block does not end", "Close it with a line 'end'");
    }

    /// <summary>Lets the opening line know where its block ends. The end of a while goes back to it, that of an if goes on.</summary>
    private static Instruction Close(string name, Instruction end, List<Instruction> code, Stack<int> open)
    {
        if (!open.TryPop(out int start))
        {
            throw new ScriptException(name, end.Line, "no block is open here", "Remove this 'end'");
        }

        code[start] = code[start] with { Target = code.Count + 1 };
        return end with { Target = code[start].Operation == Operation.While ? start : code.Count + 1 };
    }

    private static Instruction ParseLine(string name, int line, string text)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (!words[0].All(char.IsAsciiLetterLower) || !Enum.TryParse(words[0], ignoreCase: true, out Operation operation))
        {
            throw new ScriptException(name, line, $"'{words[0]}' is no instruction", $"There are {string.Join(", ", s_shapes.Keys).ToLowerInvariant()}");
        }

        string shape = s_shapes[operation];
        if (shape == "t")
        {
            return new Instruction(operation, line, [], text[words[0].Length..].TrimStart());
        }

        if (words.Length - 1 != shape.Length)
        {
            throw new ScriptException(name, line, $"'{words[0]}' has {words.Length - 1} operands", $"It takes {shape.Length}");
        }

        Operand[] operands = [
            .. words.Skip(1).Zip(shape).Where(word => word.Second is 'v' or 'x').Select(word => Read(name, line, word.First, word.Second))
        ];
        int at = shape.AsSpan().IndexOfAny('c', 'n');
        string named = at < 0 ? "" : words[at + 1];
        return at < 0 || shape[at] != 'c' || named is "<" or "==" or "!="
            ? new Instruction(operation, line, operands, named)
            : throw new ScriptException(name, line, $"'{named}' is no comparison", "There are <, == and !=");
    }

    private static Operand Read(string name, int line, string word, char shape) =>
        word is [>= 'a' and <= 'z'] ? new Operand(word[0], default)
        : shape == 'v' ? throw new ScriptException(name, line, $"'{word}' is no variable", "Variables are a to z")
        : word == "nil" ? default
        : long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && Value.IsInRange(number)
            ? new Operand('\0', Value.Of(number))
            : throw new ScriptException(name, line, $"'{word}' is no value", $"Values are a to z, nil, and numbers of {Value.Bits} bits");
}

/// <summary>A text that is no script, or a script that had to be stopped: where, what was wrong, and what its author can do.</summary>
internal sealed class ScriptException(string script, int line, string problem, string advice)
    : Exception($"{script}, line {line}: {problem}. {advice}.")
{
    public int Line { get; } = line;
}
