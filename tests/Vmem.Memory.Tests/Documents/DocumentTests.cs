using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Xunit;

namespace Vmem.Memory.Tests.Documents;

/// <summary>
/// Each csharp block of docs/ is a whole program, which CI extracts, compiles and runs against the packages. What cannot be one is marked
/// <c>no-run</c> and must be part of a test in this folder.
/// </summary>
public partial class DocumentTests
{
    [Theory]
    [InlineData("memory.md")]
    public void Every_block_that_is_no_program_is_part_of_a_test(string document)
    {
        string tests = string.Concat(Directory.GetFiles(ThisFolder(), "*Examples.cs").Select(File.ReadAllText));
        string text = File.ReadAllText(Path.Combine(ThisFolder(), "../../../docs", document)).ReplaceLineEndings("\n");
        string[] lines = [.. NoProgram().Matches(text).SelectMany(match => match.Groups["code"].Value
            .Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];
        Assert.NotEmpty(lines);
        Assert.All(lines, line => Assert.Contains(line, tests, StringComparison.Ordinal));
    }

    private static string ThisFolder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    [GeneratedRegex("^```csharp no-run *\n(?<code>.*?)^``` *$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex NoProgram();
}
