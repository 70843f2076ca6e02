using Vmem.Samples.Hosting;

namespace Vmem.Samples.Tests.Execution;

/// <summary>What scripts mean: each is run, and what it prints is compared.</summary>
public sealed class MachineTests
{
    private static readonly string[] s_staleProblems = ["this was freed before", "this is nobody's memory"];

    [Theory]
    [InlineData("print(1 + 2 * 3, \" \", (1 + 2) * 3, \" \", 10 - 4 - 3, \" \", -7 / 2, \" \", -7 % 2)", "7 9 3 -3 -1")]
    [InlineData("print(1 < 2, 2 <= 1, 3 > 2, 3 >= 4, 1 == 1, 1 != 1)", "101010")]
    [InlineData("print(1 and 0 or 5, \" \", not 0, \" \", nil or 7, \" \", 0 and (1 / 0))", "5 1 7 0")]
    [InlineData("print(4611686018427387903, \" \", -4611686018427387903 - 1)", "4611686018427387903 -4611686018427387904")]
    [InlineData("print(\"a\\n\\\"\\\\ä\" == \"a\\n\\\"\\\\\" + \"ä\", length(\"ä\"))", "12")]
    [InlineData("print(nil, [1, 2], nil == 0, [] == [], \"\" + \"\" == \"\")", "nil[2 items]001")]
    [InlineData("let a = [1, [2, 3]]\na[1][0] = a\nprint(a[1][0][0], a[1][1])", "13")]
    [InlineData("let a = bytes(3)\na[0] = 104\na[1] = 105\na[2] = 33\nprint(a, length(a))", "hi!3")]
    [InlineData("let a = array(2)\nprint(a[0], a[1] == nil)", "nil1")]
    [InlineData("let a = 1\nif a == 1 { let a = 2\nprint(a) }\nprint(a)", "2|1")]
    [InlineData("let i = 0\nwhile 1 { i = i + 1\nif i == 5 { break } }\nprint(i)", "5")]
    [InlineData("let i = 0\nif i { print(1) } else if i == 0 { print(2) } else { print(3) }", "2")]
    [InlineData("fn f(n) { if n < 2 { return n }\nreturn f(n - 1) + f(n - 2) }\nprint(f(15))", "610")]
    [InlineData("fn f() { g = g + 1 }\nlet g = 1\nprint(f())\nprint(g)", "nil|2")]
    [InlineData("fn f(a, b) { let c = a * 10\nreturn c + b }\nprint(f(1, f(2, 3)), f(0, 0))", "330")]
    [InlineData("fn f() { return }\nprint(f(), text(-12) + \"!\")\nreturn\nprint(2)", "nil-12!")]
    [InlineData("fn deep(n) { if n == 0 { return 0 }\nreturn 1 + deep(n - 1) }\nprint(deep(1000))", "1000")]
    [InlineData("share(\"x\", 7)\nprint(shared(\"x\"), shared(\"y\"))", "7nil")]
    [InlineData("", "")]
    [InlineData("# nothing but a comment", "")]
    public void A_script_prints(string source, string expected)
    {
        ScriptRun run = ScriptRun.Of(source);
        Assert.Null(run.Fault);
        Assert.Equal(expected, run.Lines);
    }

    [Theory]
    [InlineData("let a = 1\nprint(1 / (a - 1))", 2, "divided by 0")]
    [InlineData("print(4611686018427387903 + 1)", 1, "more digits")]
    [InlineData("print(4611686018427387903 * 4611686018427387903)", 1, "more digits")]
    [InlineData("print((-4611686018427387903 - 1) / -1)", 1, "more digits")]
    [InlineData("print(-(-4611686018427387903 - 1))", 1, "more digits")]
    [InlineData("print(1 + nil)", 1, "nil stands where a number should")]
    [InlineData("print(\"a\" + 1)", 1, "a number stands where an array or a text should")]
    [InlineData("print([1] + [2])", 1, "an array stands where a text should")]
    [InlineData("let a = [1]\n\nprint(a[1])", 3, "there is no item 1")]
    [InlineData("let a = [1]\na[-1] = 0", 2, "there is no item -1")]
    [InlineData("let a = bytes(1)\na[0] = 256", 2, "256 is no byte")]
    [InlineData("let a = \"b\"\na[0] = 1", 2, "a text of the script itself is to be changed")]
    [InlineData("free(\"b\")", 1, "a text of the script itself is to be freed")]
    [InlineData("free(7)", 1, "a number stands where")]
    [InlineData("let a = [1]\nfree(a)\nprint(a[0])", 3, "this was freed before")]
    [InlineData("let a = [1]\nfree(a)\nfree(a)", 3, "this was freed before")]
    [InlineData("array(-1)", 1, "-1 is no length")]
    [InlineData("array(3000000000)", 1, "3000000000 is no length")]
    [InlineData("array(2000000000)", 1, "of its quota of 65,536")]
    [InlineData("while 1 { print(\"0123456789\") }", 1, "it has printed more than 65,536 letters")]
    [InlineData("fn f() {\nreturn f() }\nf()", 2, "of its quota of 65,536")]
    [InlineData("while 1 {\n}", 1, "it has run for 1,000,000 steps")]
    [InlineData("let i = 0\nwhile 1 { i = i + 1\nshare(text(i), i) }", 3, "the board is full")]
    public void A_script_that_must_not_is_stopped_at_the_line(string source, int line, string problem)
    {
        ScriptRun run = ScriptRun.Of(source);
        Assert.NotNull(run.Fault);
        Assert.Contains(problem, run.Fault.Message, StringComparison.Ordinal);
        Assert.Equal(line, run.Fault.Line);
    }

    [Fact]
    public void What_is_freed_is_not_left_and_what_is_not_is()
    {
        Assert.Equal(0, ScriptRun.Of("let a = array(10)\nfree(a)\nprint(\"a literal\")").Left.LiveBlocks);
        ScriptRun leak = ScriptRun.Of("let a = bytes(1000)\nlet b = [a, a]");
        Assert.Equal((2L, (nuint)1024 + 32), (leak.Left.LiveBlocks, leak.Left.InUse));
        Assert.Equal(1, ScriptRun.Of("let a = array(5)\nprint(1 / 0)").Left.LiveBlocks);
    }

    [Fact]
    public void Long_work_takes_more_steps_than_short()
    {
        long few = ScriptRun.Of("free(array(1))").Steps;
        Assert.Equal(few + (8 * 4_000 / 64), ScriptRun.Of("free(array(4000))").Steps);
        ScriptRun endless = ScriptRun.Of("let a = bytes(16000)\nlet b = bytes(16000)\nwhile a == b { }");
        Assert.Contains("it has run for 1,000,000 steps", endless.Fault?.Message, StringComparison.Ordinal);
        Assert.InRange(endless.Steps, 1_000_000, 1_000_000 + (16_000 / 64));
    }

    [Fact]
    public void A_context_that_is_full_is_not_the_scripts_fault()
    {
        ScriptRun run = ScriptRun.Of("array(30000)", new ScriptHostOptions { Memory = 64 * 1024, Quota = 1024 * 1024 });
        Assert.Contains("more than the host has left", run.Fault?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stale_reference_does_not_reach_the_stack_that_has_grown_to_its_address()
    {
        // 255 items and their header are as long as the stack becomes in the recursion: it gets the very block that was freed.
        const string Source =
            """
            fn deep(n, stale) {
                if n == 0 { stale[0] = 7 } else { deep(n - 1, stale) }
            }
            let items = ITEMS
            let stale = array(items)
            free(stale)
            deep(DEPTH, stale)
            """;
        foreach (int items in new[] { 63, 127, 255, 511 })
        {
            for (int depth = 5; depth < 120; depth += 5)
            {
                ScriptRun run = ScriptRun.Of(Source.Replace("ITEMS", $"{items}", StringComparison.Ordinal).Replace("DEPTH", $"{depth}", StringComparison.Ordinal));
                Assert.Equal(2, run.Fault!.Line);
                Assert.Contains(run.Fault.Problem, s_staleProblems);
            }
        }
    }
}
