using Vmem.Memory;

namespace Vmem.Samples;

/// <summary>
/// One run of a script: its client, its variables, where it stands, how it ended. After its end its blocks stay until it is deleted.
/// </summary>
internal sealed class ScriptProcess(
    Script script, MemoryContext context, MemoryClient client, Board board, TextWriter output, long stepLimit) : IDisposable
{
    // What it prints is the host's, on no quota. Arbitrary.
    private const int MostPrinted = 64 * 1024;

    private readonly ScriptMemory _memory = new(context, client);
    private readonly Value[] _variables = new Value['z' - 'a' + 1];
    private int _next;
    private int _printed;

    public Script Script { get; } = script;

    public MemoryClient Client { get; } = client;

    public long Steps { get; private set; }

    /// <summary>Whether it came to its end, or was stopped.</summary>
    public bool HasEnded => Fault is not null || _next >= Script.Code.Count;

    /// <summary>Why it was stopped; null if it ended by itself, or runs.</summary>
    public ScriptException? Fault { get; private set; }

    /// <summary>Runs at most so many lines.</summary>
    public void Run(int steps)
    {
        try
        {
            for (; steps > 0 && !HasEnded; steps--)
            {
                Step(Script.Code[_next]);
            }
        }
        catch (ScriptFault fault)
        {
            Stop(fault.Message, fault.Advice);
        }
        catch (ClientExhaustedException refusal) when (refusal.QuotaExceeded)
        {
            Stop(
                $"{refusal.Requested:N0} bytes more would be too many: it has {refusal.InUse:N0} of its quota of {refusal.Quota:N0}",
                "Free what is not needed any more, or ask for a larger quota");
        }
        catch (ClientExhaustedException refusal)
        {
            Stop($"{refusal.Requested:N0} bytes are more than the host has left", "Run it again when others have ended");
        }
    }

    /// <summary>Deletes its client: whatever it has left is free for others.</summary>
    public void Dispose()
    {
        board.Forget(Client);
        Client.Dispose();
    }

    private void Stop(string problem, string advice) => Fault = new ScriptException(Script.Name, Script.Code[_next].Line, problem, advice);

    private void Step(Instruction line)
    {
        if (Steps >= stepLimit)
        {
            throw new ScriptFault($"it has run for {stepLimit:N0} steps", "Look for a loop that does not end, or ask for a larger limit");
        }

        Steps++;
        int target = _next + 1;
        switch (line.Operation)
        {
            case Operation.New or Operation.Raw:
                Variable(line) = _memory.Allocate(Operand(line, 1).Number, zeroed: line.Operation == Operation.New);
                break;
            case Operation.Size:
                Variable(line) = Value.Of(_memory.SizeOf(Operand(line, 1)));
                break;
            case Operation.Get:
                Variable(line) = _memory.Load(Operand(line, 1), Operand(line, 2));
                break;
            case Operation.Put:
                _memory.Store(Operand(line, 0), Operand(line, 1), Operand(line, 2));
                break;
            case Operation.Free:
                _memory.Free(Operand(line, 0));
                break;
            case Operation.Share:
                board.Share(line.Text, Client, Operand(line, 0));
                break;
            case Operation.Fetch:
                Variable(line) = board.Find(line.Text);
                break;
            case Operation.Print:
                Print(line.Text);
                break;
            case Operation.If or Operation.While:
                target = Holds(line) ? target : line.Target;
                break;
            case Operation.End:
                target = line.Target;
                break;
            case Operation.Set:
                Variable(line) = Operand(line, 1);
                break;
            default:
                Variable(line) = Value.Of(Compute(line.Operation, Operand(line, 0).Number, Operand(line, 1).Number));
                break;
        }

        _next = target;
    }

    private ref Value Variable(Instruction line) => ref _variables[line.Operands[0].Variable - 'a'];

    private Value Operand(Instruction line, int which) => line.Operands[which] is { IsVariable: true } operand
        ? _variables[operand.Variable - 'a']
        : line.Operands[which].Value;

    private bool Holds(Instruction line) => line.Text switch
    {
        "<" => Operand(line, 0).Number < Operand(line, 1).Number,
        "==" => Operand(line, 0) == Operand(line, 1),
        _ => Operand(line, 0) != Operand(line, 1),
    };

    // Operands have 63 bits: only a product can be too long for 64, and Value.Of refuses the rest.
    private static long Compute(Operation operation, long left, long right) => operation switch
    {
        Operation.Add => left + right,
        Operation.Sub => left - right,
        Operation.Mul => Math.BigMul(left, right, out long low) == low >> 63 ? low : long.MaxValue,
        _ when right == 0 => throw new ScriptFault("something is divided by 0", "Test the divisor before"),
        Operation.Div => left / right,
        _ => left % right,
    };

    private void Print(string text)
    {
        for (char name = 'a'; name <= 'z'; name++)
        {
            text = text.Replace($"{{{name}}}", _variables[name - 'a'].ToString(), StringComparison.Ordinal);
        }

        _printed += text.Length;
        if (_printed > MostPrinted)
        {
            throw new ScriptFault($"it has printed more than {MostPrinted:N0} letters", "Print less");
        }

        output.WriteLine($"{Script.Name}: {text}");
    }
}
