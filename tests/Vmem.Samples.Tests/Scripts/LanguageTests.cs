using System.Globalization;
using System.Numerics;
using System.Text;
using Vmem.Testing.Generation;

namespace Vmem.Samples.Tests.Scripts;

/// <summary>What scripts mean: each is run, and what it prints or why it is stopped is compared.</summary>
public sealed class LanguageTests
{
    private static readonly string[] s_operations = ["set", "add", "sub", "mul", "div", "rem"];

    [Theory]
    [InlineData("set a -7\nset b a\ndiv a 2\nrem b 2\nprint {a} {b}{c}", "-3 -1nil")]
    [InlineData("set a 4611686018427387903\nset b -4611686018427387904\nprint {a} {b}", "4611686018427387903 -4611686018427387904")]
    [InlineData("new a 3\nput a 1 7\nget x a 1\nget y a 2\nsize s a\nprint {a} {x} {y} {s}", "a block 7 nil 4")]
    [InlineData("new a 2\nput a 0 a\nget b a 0\nif a == b\nprint same\nend", "same")]
    [InlineData("set i 0\nwhile i < 3\nif i == 1\nprint one\nend\nif i != 1\nprint {i}\nend\nadd i 1\nend\nprint end", "0|one|2|end")]
    [InlineData("share x 7\nfetch a x\nfetch b y\nprint {a}{b}", "7nil")]
    [InlineData("raw a 0\nfree a\nset a nil\nprint {a}", "nil")]
    [InlineData("", "")]
    [InlineData("  # nothing but a comment", "")]
    public void A_script_prints(string source, string expected)
    {
        ScriptRun run = ScriptRun.Of(source);
        Assert.Null(run.Fault);
        Assert.Equal(expected, run.Lines);
    }

    [Theory]
    [InlineData("set a 1\ndiv a 0", 2, "divided by 0")]
    [InlineData("set a 4611686018427387903\nadd a 1", 2, "more digits")]
    [InlineData("set a 4611686018427387903\nmul a a", 2, "more digits")]
    [InlineData("set a -4611686018427387904\ndiv a -1", 2, "more digits")]
    [InlineData("add a 1", 1, "nil stands where a number should")]
    [InlineData("new a 1\nif a < 2\nend", 2, "a block stands where a number should")]
    [InlineData("set a 1\nget b a 0", 2, "1 stands where a block should")]
    [InlineData("new a 2\n\nget b a 2", 3, "there is no item 2")]
    [InlineData("new a 2\nput a -1 0", 2, "there is no item -1")]
    [InlineData("free 7", 1, "7 stands where a block should")]
    [InlineData("new a 1\nfree a\nput a 0 1", 3, "this was freed before")]
    [InlineData("new a 1\nset b a\nfree a\nfree b", 4, "this was freed before")]
    [InlineData("new a -1", 1, "-1 is no size")]
    [InlineData("raw a 3000000000", 1, "3000000000 is no size")]
    [InlineData("new a 2000000000", 1, "of its quota of 65,536")]
    [InlineData("while a == nil\nprint 0123456789\nend", 2, "it has printed more than 65,536 letters")]
    [InlineData("while a == nil\nend", 1, "it has run for 1,000,000 steps")]
    public void A_script_that_must_not_is_stopped_at_the_line(string source, int line, string problem)
    {
        ScriptRun run = ScriptRun.Of(source);
        Assert.NotNull(run.Fault);
        Assert.Contains(problem, run.Fault.Message, StringComparison.Ordinal);
        Assert.Equal(line, run.Fault.Line);
    }

    [Theory]
    [InlineData("set a 1\nfrobnicate a", 2, "'frobnicate' is no instruction. There are set, add, ")]
    [InlineData("7 a", 1, "'7' is no instruction")]
    [InlineData("set a", 1, "'set' has 1 operands. It takes 2")]
    [InlineData("end a", 1, "'end' has 1 operands. It takes 0")]
    [InlineData("set 1 a", 1, "'1' is no variable. Variables are a to z")]
    [InlineData("set a 4611686018427387904", 1, "'4611686018427387904' is no value. Values are a to z, nil, and numbers of 63 bits")]
    [InlineData("if a > 1\nend", 1, "'>' is no comparison. There are <, == and !=")]
    [InlineData("while a < 1\n\nif a < 1\nend", 1, "this block does not end. Close it with a line 'end'")]
    [InlineData("\n\nend", 3, "no block is open here. Remove this 'end'")]
    public void An_error_names_the_line_and_what_to_do(string source, int line, string problem)
    {
        ScriptException fault = Assert.Throws<ScriptException>(() => Script.Parse("test", source));
        Assert.StartsWith($"test, line {line}: {problem}", fault.Message, StringComparison.Ordinal);
        Assert.Equal(line, fault.Line);
    }

    [Fact]
    public void Numbers_are_computed_as_without_a_machine()
    {
        int stopped = 0;
        for (ulong seed = 0; seed < 1_000; seed++)
        {
            var random = new SeededRandom(seed);
            var source = new StringBuilder("set a 0\n");
            BigInteger? value = 0;
            for (int line = 0; line < 8; line++)
            {
                string operation = s_operations[random.Below(s_operations.Length)];
                long number = random.Below(8) == 0 ? (long)(random.Next() >> 2) : random.Below(20) - 5;
                _ = source.Append(CultureInfo.InvariantCulture, $"{operation} a {number}\n");
                value = Compute(operation, value, number);
            }

            ScriptRun run = ScriptRun.Of(source.Append("print {a}").ToString());
            Assert.True((run.Fault is null) == (value is not null), $"seed {seed}: {run.Fault?.Message ?? run.Output}\n{source}");
            Assert.True(value is null || run.Lines == value.Value.ToString(CultureInfo.InvariantCulture), $"seed {seed}: {value}: {run.Output}\n{source}");
            stopped += value is null ? 1 : 0;
        }

        Assert.InRange(stopped, 50, 800);
    }

    [Fact]
    public void What_is_freed_is_not_left_and_what_is_not_is()
    {
        Assert.Equal(0, ScriptRun.Of("new a 10\nfree a").Left.LiveBlocks);
        ScriptRun leak = ScriptRun.Of("raw a 125\nnew b 2");
        Assert.Equal((2L, (nuint)1024 + 16), (leak.Left.LiveBlocks, leak.Left.InUse));
        Assert.Equal(1, ScriptRun.Of("new a 5\ndiv a 0").Left.LiveBlocks);
    }

    [Fact]
    public void A_context_that_is_full_is_not_the_scripts_fault()
    {
        ScriptRun run = ScriptRun.Of("new a 30000", new ScriptHostOptions { Memory = 64 * 1024, Quota = 1024 * 1024 });
        Assert.Contains("more than the host has left", run.Fault?.Message, StringComparison.Ordinal);
    }

    private static BigInteger? Compute(string operation, BigInteger? value, long number)
    {
        BigInteger? result = (operation, value) switch
        {
            (_, null) or ("div" or "rem", _) when value is null || number == 0 => null,
            ("set", _) => number,
            ("add", _) => value + number,
            ("sub", _) => value - number,
            ("mul", _) => value * number,
            ("div", _) => BigInteger.Divide(value!.Value, number),
            _ => BigInteger.Remainder(value!.Value, number),
        };
        return result >= -(BigInteger.One << 62) && result < BigInteger.One << 62 ? result : null;
    }
}
