using System.Text;
using Vmem.Memory;
using Vmem.Samples.Language;

namespace Vmem.Samples.Execution;

/// <summary>
/// Runs a compiled script, some instructions at a time, so that a host can run many by turns. Whatever the script has (blocks, variables,
/// operands, frames, its literals) lies in its client's memory; here is only where it stands.
/// <para>
/// A frame is the function's variables, parameters first, then the operands. Two words before it, which no script can name, say where the
/// caller goes on and where its frame begins. A call makes room for a whole frame, so that no other instruction has to ask.
/// </para>
/// </summary>
internal sealed partial class Machine
{
    private const int LinkWords = CompiledFunction.LinkWords;
    private const int NoCaller = -1;

    // A cache line: about what an instruction takes anyway. Arbitrary.
    private const int BytesPerStep = 64;

    private readonly CompiledScript _script;
    private readonly ScriptMemory _memory;
    private readonly ScriptStack _stack;
    private readonly Board _board;
    private readonly TextWriter _output;
    private readonly StringBuilder _line = new();
    private readonly long _stepLimit;
    private readonly int _globals;
    private long _instructions;
    private int _next;
    private int _frame;

    /// <param name="script">What to run.</param>
    /// <param name="client">Whose memory it gets.</param>
    /// <param name="board">Where it meets others.</param>
    /// <param name="output">Where it prints.</param>
    /// <param name="stepLimit">The most instructions it may run.</param>
    public Machine(CompiledScript script, MemoryClient client, Board board, TextWriter output, long stepLimit)
    {
        _script = script;
        _memory = new ScriptMemory(client);
        _stack = new ScriptStack(client);
        _globals = script.Texts.Length + LinkWords;
        _board = board;
        _output = output;
        _stepLimit = stepLimit;
    }

    /// <summary>Instructions run, and one more for each <see cref="BytesPerStep"/> bytes that they cleared, copied or compared: else the
    /// limit would not limit the time.</summary>
    public long Steps => _instructions + (_memory.BytesHandled / BytesPerStep);

    public bool HasEnded { get; private set; }

    /// <summary>Runs at most <paramref name="steps"/> instructions.</summary>
    /// <exception cref="ScriptException">The script did what it may not.</exception>
    public void Run(long steps)
    {
        try
        {
            if (_instructions == 0)
            {
                Load();
            }

            for (; steps > 0 && !HasEnded; steps--)
            {
                Step();
            }
        }
        catch (ScriptFault fault)
        {
            throw At(fault.Problem, fault.Advice);
        }
        catch (ClientExhaustedException refusal) when (refusal.QuotaExceeded)
        {
            throw At(
                $"{refusal.Requested:N0} bytes more would be too many: it has {refusal.InUse:N0} of its quota of {refusal.Quota:N0}",
                "Free what is not needed any more, or ask for a larger quota");
        }
        catch (ClientExhaustedException refusal)
        {
            throw At($"{refusal.Requested:N0} bytes are more than the host has left", "Run it again when others have ended");
        }
    }

    /// <summary>Frees what the machine has in the client's memory. What is left there then, the script has left.</summary>
    public void Unload()
    {
        int loaded = Math.Min(_stack.Count, _script.Texts.Length);
        for (int literal = 0; literal < loaded; literal++)
        {
            _memory.FreeLiteral(_stack[literal]);
        }

        _stack.Release();
    }

    private void Load()
    {
        _stack.Reserve(_script.Texts.Length);
        foreach (byte[] text in _script.Texts)
        {
            _stack.Push(_memory.MakeText(text, BlockKind.Literal));
        }

        CompiledFunction main = _script.Functions[0];
        _stack.Reserve(LinkWords);
        PushLinks();
        Enter(main, NoCaller);
    }

    private ScriptException At(string problem, string advice) =>
        new(_script.Name, _script.Code[Math.Max(0, _next - 1)].Line, problem, advice);

    private void Step()
    {
        if (Steps >= _stepLimit)
        {
            throw new ScriptFault($"it has run for {_stepLimit:N0} steps", "Look for a loop that does not end, or ask for a larger limit");
        }

        _instructions++;
        Instruction instruction = _script.Code[_next++];
        int operand = instruction.Operand;
        switch (instruction.Operation)
        {
            case Operation.PushNumber:
                _stack.Push(Value.Of(_script.Numbers[operand]));
                break;
            case Operation.PushText:
                _stack.Push(_stack[operand]);
                break;
            case Operation.PushNil:
                _stack.Push(default);
                break;
            case Operation.Pop:
                _ = _stack.Pop();
                break;
            case Operation.LoadLocal:
                _stack.Push(_stack[_frame + operand]);
                break;
            case Operation.StoreLocal:
                Value local = _stack.Pop();
                _stack[_frame + operand] = local;
                break;
            case Operation.LoadGlobal:
                _stack.Push(_stack[_globals + operand]);
                break;
            case Operation.StoreGlobal:
                Value global = _stack.Pop();
                _stack[_globals + operand] = global;
                break;
            case Operation.Jump:
                _next = operand;
                break;
            case Operation.JumpIfFalse:
                _next = _stack.Pop().IsTrue ? _next : operand;
                break;
            case Operation.JumpIfFalseElsePop:
                JumpElsePop(operand, when: false);
                break;
            case Operation.JumpIfTrueElsePop:
                JumpElsePop(operand, when: true);
                break;
            case Operation.BeginCall:
                PushLinks();
                break;
            case Operation.Call:
                Enter(_script.Functions[operand], _next);
                break;
            case Operation.Return:
                Leave();
                break;
            default:
                Compute(instruction.Operation, operand);
                break;
        }
    }

    private void JumpElsePop(int target, bool when)
    {
        if (_stack[_stack.Count - 1].IsTrue == when)
        {
            _next = target;
        }
        else
        {
            _ = _stack.Pop();
        }
    }

    private void PushLinks()
    {
        for (int word = 0; word < LinkWords; word++)
        {
            _stack.Push(default);
        }
    }

    private void Enter(CompiledFunction function, int caller)
    {
        int others = function.Variables - function.Parameters;
        _stack.Reserve(others + function.Depth);
        int frame = _stack.Count - function.Parameters;
        _stack[frame - 2] = Value.Of(caller);
        _stack[frame - 1] = Value.Of(_frame);
        for (int word = 0; word < others; word++)
        {
            _stack.Push(default);
        }

        _frame = frame;
        _next = function.Start;
    }

    private void Leave()
    {
        Value result = _stack.Pop();
        int caller = (int)_stack[_frame - 2].Number;
        if (caller == NoCaller)
        {
            HasEnded = true;
            return;
        }

        int frame = (int)_stack[_frame - 1].Number;
        _stack.CutTo(_frame - LinkWords);
        _stack.Push(result);
        _frame = frame;
        _next = caller;
    }
}
