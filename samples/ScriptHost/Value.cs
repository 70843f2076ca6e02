using System.Globalization;

namespace Vmem.Samples;

/// <summary>
/// A value of a script: one word. The lowest bit tells numbers (1, and 63 bits of them) from references (0: blocks start at multiples of
/// 16); all zero is nil.
/// </summary>
/// <remarks>With that bit no script computes an address. But it may keep one for longer than the block lives, pass it to another script, or
/// find it in memory that nobody cleared: so each use asks whose block it is (<see cref="ScriptMemory.Open"/>).</remarks>
internal readonly record struct Value
{
    public const int Bits = 63;

    private readonly nint _word;

    private Value(nint word)
    {
        _word = word;
    }

    public bool IsNil => _word == 0;

    public bool IsNumber => (_word & 1) != 0;

    public bool IsReference => !IsNil && !IsNumber;

    public long Number => IsNumber ? _word >> 1 : throw new ScriptFault($"{this} stands where a number should", "Give the variable a number first");

    public unsafe void* Address => (void*)_word;

    public static bool IsInRange(long number) => number << 1 >> 1 == number;

    public static Value Of(long number) => IsInRange(number)
        ? new Value((nint)((number << 1) | 1))
        : throw new ScriptFault("a result has more digits than a number can have", $"Numbers have {Bits} bits");

    public static unsafe Value Of(void* block) => new((nint)block);

    public override string ToString() => IsNumber ? Number.ToString(CultureInfo.InvariantCulture) : IsNil ? "nil" : "a block";
}

/// <summary>What a script may not do; the machine adds the line.</summary>
internal sealed class ScriptFault(string problem, string advice) : Exception(problem)
{
    public string Advice { get; } = advice;
}
