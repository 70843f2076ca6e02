using System.Buffers.Text;
using System.Text;
using Vmem.Samples.Language;

namespace Vmem.Samples.Execution;

/// <summary>The instructions that make values of values.</summary>
internal sealed partial class Machine
{
    // The digits of the longest number, and its sign.
    private const int LongestNumber = 20;

    // What it prints is the host's, on no quota. Arbitrary.
    private const int MostPrinted = 64 * 1024;

    private int _printed;

    private void Compute(Operation operation, int operand)
    {
        switch (operation)
        {
            case Operation.Negate:
                _stack.Push(Value.Of(-_stack.Pop().Number));
                break;
            case Operation.Not:
                _stack.Push(Value.Of(!_stack.Pop().IsTrue));
                break;
            case Operation.MakeList:
                MakeList(operand);
                break;
            case Operation.MakeArray:
                _stack.Push(_memory.MakeArray(_stack.Pop().Number));
                break;
            case Operation.MakeBytes:
                _stack.Push(_memory.MakeBytes(_stack.Pop().Number));
                break;
            case Operation.ToText:
                Span<byte> digits = stackalloc byte[LongestNumber];
                _ = Utf8Formatter.TryFormat(_stack.Pop().Number, digits, out int written);
                _stack.Push(_memory.MakeText(digits[..written]));
                break;
            case Operation.Length:
                _stack.Push(Value.Of(_memory.Open(_stack.Pop()).Length));
                break;
            case Operation.StoreItem:
                Value item = _stack.Pop();
                Value at = _stack.Pop();
                _memory.Store(_stack.Pop(), at, item);
                break;
            case Operation.Free:
                _memory.Free(_stack.Pop());
                break;
            case Operation.Share:
                Value shared = _stack.Pop();
                _board.Share(ReadText(_stack.Pop()), _memory.Client, shared);
                break;
            case Operation.Shared:
                _stack.Push(_board.Find(ReadText(_stack.Pop())));
                break;
            case Operation.Print:
                Print(_stack.Pop());
                break;
            case Operation.PrintEnd:
                _output.WriteLine($"{_script.Name}: {_line}");
                _ = _line.Clear();
                break;
            default:
                Value right = _stack.Pop();
                _stack.Push(Combine(operation, _stack.Pop(), right));
                break;
        }
    }

    private Value Combine(Operation operation, Value left, Value right) => operation switch
    {
        Operation.LoadItem => _memory.Load(left, right),
        Operation.Equal => Value.Of(_memory.AreEqual(left, right)),
        Operation.NotEqual => Value.Of(!_memory.AreEqual(left, right)),
        Operation.Add when left.IsReference => _memory.Join(left, right),
        _ => Arithmetic.Apply(operation, left.Number, right.Number),
    };

    private void MakeList(int count)
    {
        Value list = _memory.MakeArray(count);
        _stack.PopMany(count).CopyTo(_memory.Open(list).Items);
        _stack.Push(list);
    }

    private void Print(Value value)
    {
        string text = value.IsReference ? Describe(_memory.Open(value)) : value.ToString();
        _printed += text.Length;
        if (_printed > MostPrinted)
        {
            throw new ScriptFault($"it has printed more than {MostPrinted:N0} letters", "Print what somebody will read");
        }

        _ = _line.Append(text);
    }

    private static string Describe(ScriptBlock block) => block.IsText ? Encoding.UTF8.GetString(block.Bytes) : $"[{block.Length} items]";

    private string ReadText(Value value) => Encoding.UTF8.GetString(_memory.OpenText(value).Bytes);
}
