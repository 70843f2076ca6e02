namespace Vmem.Samples.Language;

/// <summary>Writes instructions, and follows how many operands lie on the stack, so that a call can make room for all of them at once.</summary>
internal sealed class CodeWriter
{
    private readonly List<Instruction> _code = [];
    private readonly List<long> _numbers = [];
    private readonly List<byte[]> _texts = [];
    private readonly Dictionary<string, int> _textNumbers = [];
    private int _depth;

    public int Next => _code.Count;

    /// <summary>The most operands since <see cref="BeginFunction"/>.</summary>
    public int Deepest { get; private set; }

    public Instruction[] Code => [.. _code];

    public long[] Numbers => [.. _numbers];

    public byte[][] Texts => [.. _texts];

    public void BeginFunction()
    {
        _depth = 0;
        Deepest = 0;
    }

    /// <param name="line">Whose doing it is.</param>
    /// <param name="operation">What to do.</param>
    /// <param name="operand">With what.</param>
    /// <param name="change">How many operands more there are afterwards.</param>
    /// <returns>Where it stands.</returns>
    public int Write(int line, Operation operation, int operand, int change)
    {
        _code.Add(new Instruction(operation, operand, line));
        _depth += change;
        Deepest = Math.Max(Deepest, _depth);
        return _code.Count - 1;
    }

    public void WriteNumber(int line, long number)
    {
        _ = Write(line, Operation.PushNumber, _numbers.Count, 1);
        _numbers.Add(number);
    }

    public void WriteText(int line, string text)
    {
        if (_textNumbers.TryAdd(text, _texts.Count))
        {
            _texts.Add(System.Text.Encoding.UTF8.GetBytes(text));
        }

        _ = Write(line, Operation.PushText, _textNumbers[text], 1);
    }

    /// <summary>Lets a jump that has been written lead to what is written next.</summary>
    public void LandHere(int jump) => _code[jump] = _code[jump] with { Operand = _code.Count };
}
