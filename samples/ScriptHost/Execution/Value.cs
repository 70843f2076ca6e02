using System.Globalization;
using Vmem.Samples.Language;

namespace Vmem.Samples.Execution;

/// <summary>
/// A value of a script: one word. The lowest bit tells numbers (1, and 63 bits of them) from references (0: blocks start at multiples of
/// 16), so that a script can pass a reference on but never make one up; all zero is nil.
/// </summary>
/// <remarks>With that bit no script reaches an address that was not given to it. But it may keep the address for longer than the block
/// lives, or pass it to another script: whose block it is, is asked at each use (<see cref="ScriptMemory.Open"/>).</remarks>
internal readonly record struct Value
{
    private readonly nint _word;

    private Value(nint word)
    {
        _word = word;
    }

    public bool IsNil => _word == 0;

    public bool IsNumber => (_word & 1) != 0;

    public bool IsReference => !IsNil && !IsNumber;

    public bool IsTrue => this != Of(0) && !IsNil;

    public long Number => IsNumber ? _word >> 1 : throw new ScriptFault($"{Kind} stands where a number should", "Numbers are written in digits");

    public unsafe void* Address => (void*)_word;

    public string Kind => IsNumber ? "a number" : IsNil ? "nil" : "an array or a text";

    public static Value Of(bool condition) => Of(condition ? 1 : 0);

    public static Value Of(long number) => number is >= Limits.LeastNumber and <= Limits.MostNumber
        ? new Value((nint)((number << 1) | 1))
        : throw TooLarge();

    public static unsafe Value Of(void* block) => new((nint)block);

    public static ScriptFault TooLarge() => new("a result has more digits than a number can have", $"Numbers lie between {Limits.LeastNumber} and {Limits.MostNumber}");

    public override string ToString() => IsNumber ? Number.ToString(CultureInfo.InvariantCulture) : IsNil ? "nil" : Kind;
}
