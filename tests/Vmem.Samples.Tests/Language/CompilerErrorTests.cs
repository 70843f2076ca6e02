using Vmem.Samples.Language;

namespace Vmem.Samples.Tests.Language;

/// <summary>What is no script: which line of it, what is wrong there, and what to write instead.</summary>
public sealed class CompilerErrorTests
{
    [Theory]
    [InlineData("let a = 1\nlet b = §", 2, "'§' is not of this language", "Comments begin")]
    [InlineData("let a = 12x", 1, "12x is no number", "decimal")]
    [InlineData("let a = 4611686018427387904", 1, "is no number", "at most 4611686018427387903")]
    [InlineData("print(\"a\n\")", 1, "does not end on its line", "Close it")]
    [InlineData("print(\"\\t\")", 1, "no meaning for", "\\n")]
    [InlineData("let while = 1", 1, "'while' is no name", "none of the language's own words")]
    [InlineData("let a = ", 1, "the end of the script stands where a value should", "Write a number")]
    [InlineData("let a = 1 let b = 2", 1, "'let' follows a statement on its line", "a line of its own")]
    [InlineData("while 1 {\n\nlet a = 1", 3, "a block does not end", "Close it with '}'")]
    [InlineData("print(1,\n2\n3)", 3, "'3' stands where ',' should", "between two values")]
    [InlineData("fn f(a b) { }", 1, "'b' stands where ',' should", "between two parameters")]
    [InlineData("if 1 { fn f() { } }", 1, "a function stands inside a block", "Move it out")]
    [InlineData("1 + 2 = 3", 1, "cannot be given a value", "write ==")]
    [InlineData("print(a)", 1, "there is no variable a", "let a =")]
    [InlineData("if 1 { let a = 1 }\na = 2", 2, "there is no variable a", "let a =")]
    [InlineData("let a = 1\nlet a = 2", 2, "there is a variable a already", "Leave 'let' out")]
    [InlineData("fn f() { }\nfn f() { }", 2, "there is a function f already", "another name")]
    [InlineData("fn free() { }", 1, "there is a function free already", "another name")]
    [InlineData("fn f(a, a) { }", 1, "there is a variable a already", "another name")]
    [InlineData("\n\nfrobnicate()", 3, "there is no function frobnicate", "There are array, bytes, free, length, print, share, shared, text")]
    [InlineData("fn f(a) { }\nf()", 2, "f is given 0 values", "It takes 1")]
    [InlineData("array(1, 2)", 1, "array is given 2 values", "It takes 1")]
    [InlineData("break", 1, "'break' stands outside every loop", "while")]
    public void An_error_names_the_line_and_what_to_do(string source, int line, string problem, string advice)
    {
        ScriptException fault = Assert.Throws<ScriptException>(() => Compiler.Compile("test", source));
        Assert.Equal(("test", line), (fault.Script, fault.Line));
        Assert.Contains(problem, fault.Problem, StringComparison.Ordinal);
        Assert.Contains(advice, fault.Advice, StringComparison.Ordinal);
        Assert.Equal($"test, line {line}: {fault.Problem}. {fault.Advice}.", fault.Message);
    }

    [Theory]
    [InlineData("let a = ", "(", "1")]
    [InlineData("let a = ", "-", "1")]
    [InlineData("let a = ", "not ", "1")]
    [InlineData("let a = ", "[", "1")]
    [InlineData("", "while 1 { ", "")]
    [InlineData("", "if 1 { } else ", "")]
    [InlineData("let a = [1]\nprint(a", "[0", "")]
    [InlineData("let a = 1", " + 1", "")]
    [InlineData("let a = [[1]]\nprint(a", "[0]", ")")]
    public void No_depth_of_a_script_exhausts_the_hosts_stack(string before, string repeated, string after)
    {
        string source = before + string.Concat(Enumerable.Repeat(repeated, 100_000)) + after;
        ScriptException fault = Assert.Throws<ScriptException>(() => Compiler.Compile("test", source));
        Assert.Contains("levels", fault.Problem, StringComparison.Ordinal);
    }
}
