using System.Globalization;
using System.Numerics;
using Vmem.Testing.Generation;

namespace Vmem.Samples.Tests.Execution;

/// <summary>Random expressions, evaluated here without limits and by the machine: precedence, associativity, signs, truth and overflow.</summary>
public sealed class ArithmeticProperties
{
    private static readonly string[] s_operators = ["+", "-", "*", "/", "%", "<", "<=", ">", ">=", "==", "!=", "and", "or"];

    [Fact]
    public void Expressions_have_the_value_that_they_have_without_a_machine()
    {
        int stopped = 0;
        for (ulong seed = 0; seed < 2_000; seed++)
        {
            (string text, BigInteger? value, _) = Expression(new SeededRandom(seed), depth: 5);
            ScriptRun run = ScriptRun.Of($"print({text})");
            Assert.True((run.Fault is null) == (value is not null), $"seed {seed}: {text}: {run.Fault?.Message ?? run.Output}");
            Assert.True(value is null || run.Lines == value.Value.ToString(CultureInfo.InvariantCulture), $"seed {seed}: {text} = {value}: {run.Output}");
            stopped += value is null ? 1 : 0;
        }

        Assert.InRange(stopped, 50, 1_500);
    }

    /// <summary>An expression, its value (null: none), and how tightly it binds.</summary>
    private static (string Text, BigInteger? Value, int Level) Expression(SeededRandom random, int depth)
    {
        if (depth == 0 || random.Below(6) == 0)
        {
            long number = random.Below(8) == 0 ? (long)(random.Next() >> 2) : random.Below(20);
            return (number.ToString(CultureInfo.InvariantCulture), number, 7);
        }

        if (random.Below(6) == 0)
        {
            (string text, BigInteger? value, int level) = Expression(random, depth - 1);
            bool isNot = random.Below(2) == 0;
            return ((isNot ? "not " : "-") + (level < 6 ? $"({text})" : text), InRange(isNot ? Truth(value) : -value), 6);
        }

        string sign = s_operators[random.Below(s_operators.Length)];
        int own = LevelOf(sign);
        (string Text, BigInteger? Value, int Level) left = Expression(random, depth - 1);
        (string Text, BigInteger? Value, int Level) right = Expression(random, depth - 1);
        string leftText = left.Level < own ? $"({left.Text})" : left.Text;
        string rightText = right.Level <= own ? $"({right.Text})" : right.Text;
        return ($"{leftText} {sign} {rightText}", Apply(sign, left.Value, right.Value), own);
    }

    private static int LevelOf(string sign) => sign switch
    {
        "or" => 1,
        "and" => 2,
        "+" or "-" => 4,
        "*" or "/" or "%" => 5,
        _ => 3,
    };

    private static BigInteger? Apply(string sign, BigInteger? left, BigInteger? right) => (sign, left, right) switch
    {
        (_, null, _) => null,
        ("and", { IsZero: true }, _) => left,
        ("or", { IsZero: false }, _) => left,
        (_, _, null) => null,
        ("and" or "or", _, _) => right,
        ("/" or "%", _, { IsZero: true }) => null,
        _ => InRange(Compute(sign, left.Value, right.Value)),
    };

    private static BigInteger Compute(string sign, BigInteger left, BigInteger right) => sign switch
    {
        "+" => left + right,
        "-" => left - right,
        "*" => left * right,
        "/" => BigInteger.Divide(left, right),
        "%" => BigInteger.Remainder(left, right),
        "<" => left < right ? 1 : 0,
        "<=" => left <= right ? 1 : 0,
        ">" => left > right ? 1 : 0,
        ">=" => left >= right ? 1 : 0,
        "==" => left == right ? 1 : 0,
        _ => left != right ? 1 : 0,
    };

    private static BigInteger? Truth(BigInteger? value) => value is { } number ? number.IsZero ? 1 : 0 : null;

    private static BigInteger? InRange(BigInteger? value) => value >= -(BigInteger.One << 62) && value < BigInteger.One << 62 ? value : null;
}
