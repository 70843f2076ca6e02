using Vmem.Samples.Language;

namespace Vmem.Samples.Tests.Language;

public sealed class CompilerTests
{
    [Fact]
    public void Blocks_that_do_not_overlap_share_the_words_of_the_frame()
    {
        const string Source =
            """
            let a = 1
            if a { let b = 1
                let c = 2
                if c { let d = 3 } }
            if a { let b = 1 }
            let e = 4
            """;
        Assert.Equal(4, Compiler.Compile("test", Source).Functions[0].Variables);
    }

    [Fact]
    public void A_literal_is_in_the_script_once_however_often_it_is_written()
    {
        CompiledScript script = Compiler.Compile("test", "print(\"a\", \"b\", \"a\")");
        Assert.Equal(["a", "b"], script.Texts.Select(System.Text.Encoding.UTF8.GetString));
    }

    [Fact]
    public void A_call_makes_room_for_the_deepest_operands_of_its_function()
    {
        // 1, 2 and 3 lie on the stack together, then two words for the frame of f and its parameter.
        CompiledScript script = Compiler.Compile("test", "fn f(a) { return a }\nlet a = 1 + (2 - (3 * f(4)))");
        Assert.Equal([6, 1], script.Functions.Select(function => function.Depth));
        Assert.Equal(["test", "f"], script.Functions.Select(function => function.Name));
    }
}
