using System.Text;
using Vmem.Testing.Generation;

namespace Vmem.Samples.Tests.Scripts;

/// <summary>Scripts that nobody would write: whatever they are, they end in an error of their own, and the host's memory is
/// whole.</summary>
public sealed class HostileScriptTests
{
    private static readonly string[] s_words =
    [
        "set", "add", "div", "new", "raw", "size", "get", "put", "free", "share", "fetch", "print", "if", "while", "end", "\n", "\n", "\n", "\n",
        "a", "b", "c", "0", "1", "-7", "100", "nil", "<", "==", "!=", "{a}", "text",
    ];

    private static readonly string[] s_lines =
    [
        "new a NUMBER", "raw b NUMBER", "free a", "free b", "free c", "put a 0 b", "put b 1 65", "get c a 0", "get c b NUMBER", "set b a", "set a c", "set c nil",
        "share s a", "share s c", "fetch c s", "size d c", "put c NUMBER a", "print {a}{b}{c}",
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

    // Half of the hosts are not isolated: there scripts find each other's addresses in memory that nobody cleared.
    [Fact]
    public void Lines_at_random_beside_others()
    {
        int stopped = 0;
        for (ulong seed = 0; seed < 500; seed++)
        {
            using var host = new ScriptHost(new ScriptHostOptions { StepLimit = 3_000, Quota = 16 * 1024, Isolated = seed % 2 == 0 });
            for (int script = 0; script < 4; script++)
            {
                _ = host.Start(Script.Parse($"{script}", Source(new SeededRandom((seed * 4) + (ulong)script))), TextWriter.Null);
            }

            host.RunAll();
            host.Memory.Validate();
            stopped += host.Processes.Count(process => process.Fault is not null);
            host.DeleteAll();
            Assert.Equal(host.Memory.Size, host.Memory.GetStatistics().LargestFree);
        }

        Assert.InRange(stopped, 500, 1_990);
    }

    private static string Source(SeededRandom random)
    {
        var source = new StringBuilder("new a 3\nraw b 9\nset i 0\nwhile i < 20\nadd i 1\n");
        int count = 1 + random.Below(12);
        for (int next = 0; next < count; next++)
        {
            _ = source.Append("set r i\nrem r ").Append(1 + random.Below(5)).Append("\nif r == 0\n")
                .Append(s_lines[random.Below(s_lines.Length)].Replace("NUMBER", $"{random.Below(200)}", StringComparison.Ordinal)).Append("\nend\n");
        }

        return source.Append("end\n").ToString();
    }
}
