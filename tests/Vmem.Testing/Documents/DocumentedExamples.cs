using System.Text.RegularExpressions;
using Xunit;

namespace Vmem.Testing.Documents;

/// <summary>
/// A document's C# is compiled and run: each of its csharp blocks must be, word for word, a region of a file of examples, and those files
/// are tests.
/// To change a block, change the region (between <c>#region name</c> and <c>#endregion</c>) and copy it, or the other way round.
/// </summary>
public static partial class DocumentedExamples
{
    /// <summary>Checks the blocks of a document against the regions of the files <c>*Examples.cs</c> in some folders.</summary>
    public static void Check(string document, params string[] folders)
    {
        Assert.True(File.Exists(document), $"{Path.GetFullPath(document)} is missing.");
        string[] blocks = [
            .. Block().Matches(File.ReadAllText(document).ReplaceLineEndings("\n")).Select(match => Normalize(match.Groups["code"].Value))
        ];
        string[] regions =
        [
            .. folders.SelectMany(folder => Directory.GetFiles(folder, "*Examples.cs"))
                .SelectMany(file => Region().Matches(File.ReadAllText(file).ReplaceLineEndings("\n")))
                .Select(match => Normalize(match.Groups["code"].Value)),
        ];
        Assert.NotEmpty(blocks);
        Assert.All(blocks, block => Assert.True(regions.Contains(block), $"This block of {Path.GetFileName(document)} is no region of {string.Join(" or ", folders.Select(Path.GetFullPath))}:\n{block}"));
    }

    /// <summary>Without the indentation that all lines share, and without empty lines at either end.</summary>
    private static string Normalize(string code)
    {
        string[] lines = [.. code.Trim('\n').Split('\n').Select(line => line.TrimEnd())];
        int indent = lines.Where(line => line.Length > 0).Select(line => line.Length - line.TrimStart().Length).DefaultIfEmpty(0).Min();
        return string.Join('\n', lines.Select(line => line.Length == 0 ? line : line[indent..])).Trim('\n');
    }

    [GeneratedRegex("^```csharp *\n(?<code>.*?)^``` *$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("^ *#region[^\n]*\n(?<code>.*?)^ *#endregion", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Region();
}
