using System.Text;
using Vmem.Samples.Hosting;
using Vmem.Samples.Language;
using Vmem.Testing.Generation;

namespace Vmem.Samples.Tests.Execution;

/// <summary>Scripts that nobody would write: whatever they are, they end in an error of their own, and the host's memory is whole.</summary>
public sealed class HostileScriptTests
{
    private static readonly string[] s_words =
    [
        "let", "fn", "if", "else", "while", "break", "return", "and", "or", "not", "nil", "==", "<", "=", "+", "-", "*", "/", "(", ")", "[", "]", "{", "}", ",", "\n", "\n",
        "a", "b", "f", "0", "1", "7", "100", "\"t\"", "array", "bytes", "text", "length", "free", "share", "shared", "print",
    ];

    // Pieces that compile, so that what they do to each other's blocks is tried and not only the parser.
    private static readonly string[] s_statements =
    [
        "a = array(NUMBER)", "b = bytes(NUMBER)", "c = [a, b, c]", "c = text(NUMBER) + \"t\"", "free(a)", "free(b)", "free(c)", "a[0] = b", "b[1] = 65", "c = a[0]",
        "b = a", "a = c", "share(\"s\", a)", "c = shared(\"s\")", "c = f(NUMBER, a)", "if a == b { a = array(NUMBER) }", "print(b)", "length(c)", "a = [NUMBER]", "a[NUMBER] = c",
    ];

    [Fact]
    public void Words_at_random()
    {
        for (ulong seed = 0; seed < 3_000; seed++)
        {
            var random = new SeededRandom(seed);
            string source = string.Join(' ', Enumerable.Range(0, 1 + random.Below(40)).Select(_ => s_words[random.Below(s_words.Length)]));
            try
            {
                _ = ScriptRun.Of(source, new ScriptHostOptions { StepLimit = 1_000 });
            }
            catch (ScriptException fault)
            {
                Assert.True(fault.Line >= 1 && fault.Line <= 1 + source.Count(letter => letter == '\n'), $"seed {seed}: {fault.Message}");
            }
        }
    }

    [Fact]
    public void Statements_at_random_beside_others()
    {
        int stopped = 0;
        for (ulong seed = 0; seed < 500; seed++)
        {
            using var host = new ScriptHost(new ScriptHostOptions { StepLimit = 3_000, Quota = 16 * 1024 });
            for (int script = 0; script < 4; script++)
            {
                _ = host.Start(Compiler.Compile($"{script}", Source(new SeededRandom((seed * 4) + (ulong)script))), TextWriter.Null);
            }

            host.RunAll();
            host.Memory.Validate();
            stopped += host.Processes.Count(process => process.Fault is not null);
            host.DeleteAll();
            Assert.Equal(host.Memory.Size, host.Memory.GetStatistics().LargestFree);
        }

        Assert.InRange(stopped, 500, 2_000);
    }

    private static string Source(SeededRandom random)
    {
        var source = new StringBuilder("fn f(n, x) {\nif n > 60 { return x }\nlet y = f(n + 1, x)\nreturn y\n}\nlet a = array(3)\nlet b = bytes(9)\nlet c = nil\nlet i = 0\nwhile i < 20 {\ni = i + 1\n");
        int count = 1 + random.Below(12);
        for (int next = 0; next < count; next++)
        {
            _ = source.Append("if i % ").Append(1 + random.Below(5)).Append(" == 0 { ")
                .Append(s_statements[random.Below(s_statements.Length)].Replace("NUMBER", $"{random.Below(200)}", StringComparison.Ordinal)).Append(" }\n");
        }

        return source.Append("}\n").ToString();
    }
}
