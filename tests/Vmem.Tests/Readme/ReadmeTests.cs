using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Xunit;

namespace Vmem.Tests.Readme;

/// <summary>
/// The README's C# is compiled and run: each of its csharp blocks must be, word for word, a region of a file in this folder, or in that of the same
/// name of Vmem.Memory's tests, and those files are tests.
/// To change a block, change the region (between <c>#region name</c> and <c>#endregion</c>) and copy it, or the other way round.
/// </summary>
public partial class ReadmeTests
{
    [Fact]
    public void Every_csharp_block_of_the_readme_is_a_region_that_runs_as_a_test()
    {
        string folder = Path.GetDirectoryName(ThisFile())!;
        string readme = Path.Combine(folder, "../../../README.md");
        Assert.True(File.Exists(readme), "README.md is missing at the root of the repository.");
        string[] blocks = [.. Block().Matches(File.ReadAllText(readme).ReplaceLineEndings("\n")).Select(match => Normalize(match.Groups["code"].Value))];
        string[] regions =
        [
            .. new[] { folder, Path.Combine(folder, "../../Vmem.Memory.Tests/Readme") }
                .SelectMany(examples => Directory.GetFiles(examples, "*Examples.cs"))
                .SelectMany(file => Region().Matches(File.ReadAllText(file).ReplaceLineEndings("\n")))
                .Select(match => Normalize(match.Groups["code"].Value)),
        ];
        Assert.NotEmpty(blocks);
        Assert.All(blocks, block => Assert.True(regions.Contains(block), $"This block of README.md is no region of a file in tests/*/Readme:\n{block}"));
    }

    /// <summary>Without the indentation that all lines share, and without empty lines at either end.</summary>
    private static string Normalize(string code)
    {
        string[] lines = [.. code.Trim('\n').Split('\n').Select(line => line.TrimEnd())];
        int indent = lines.Where(line => line.Length > 0).Select(line => line.Length - line.TrimStart().Length).DefaultIfEmpty(0).Min();
        return string.Join('\n', lines.Select(line => line.Length == 0 ? line : line[indent..])).Trim('\n');
    }

    private static string ThisFile([CallerFilePath] string path = "") => path;

    [GeneratedRegex("^```csharp *\n(?<code>.*?)^``` *$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("^ *#region[^\n]*\n(?<code>.*?)^ *#endregion", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Region();
}
