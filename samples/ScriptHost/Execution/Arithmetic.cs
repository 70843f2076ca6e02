using Vmem.Samples.Language;

namespace Vmem.Samples.Execution;

/// <summary>What operators do with numbers.</summary>
internal static class Arithmetic
{
    /// <exception cref="ScriptFault">There is no such result.</exception>
    public static Value Apply(Operation operation, long left, long right) => operation switch
    {
        // 63 bits each: only a product can be longer than 64.
        Operation.Add => Value.Of(left + right),
        Operation.Subtract => Value.Of(left - right),
        Operation.Multiply => Value.Of(Multiply(left, right)),
        Operation.Divide => Value.Of(left / Divisor(right)),
        Operation.Remainder => Value.Of(left % Divisor(right)),
        Operation.Less => Value.Of(left < right),
        Operation.LessOrEqual => Value.Of(left <= right),
        Operation.Greater => Value.Of(left > right),
        Operation.GreaterOrEqual => Value.Of(left >= right),
        _ => throw new ArgumentOutOfRangeException(nameof(operation), operation, "It takes no two numbers."),
    };

    private static long Multiply(long left, long right)
    {
        long high = Math.BigMul(left, right, out long low);
        return high == low >> 63 ? low : throw Value.TooLarge();
    }

    private static long Divisor(long number) => number != 0
        ? number
        : throw new ScriptFault("something is divided by 0", "Test the divisor before");
}
