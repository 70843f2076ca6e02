using Vmem.Packages.Tests.Feed;

namespace Vmem.Packages.Tests.Documents;

/// <summary>Every block of C# in every document compiles and runs as it stands, against the packages as users take them.</summary>
[Collection(PackageFeedTests.Name)]
public sealed class DocumentTests(PackageFeed feed, BlockCompiler compiler) : IClassFixture<BlockCompiler>
{
    public static TheoryData<string, int> Blocks
    {
        get
        {
            string[] documents =
            [
                "README.md",
                .. Directory.GetFiles(Repository.PathOf("docs"), "*.md", SearchOption.AllDirectories),
                .. Directory.GetFiles(Repository.PathOf("src"), "README.md", SearchOption.AllDirectories),
                .. Directory.GetFiles(Repository.PathOf("samples"), "README.md", SearchOption.AllDirectories),
            ];
            var blocks = new TheoryData<string, int>();
            foreach (CodeBlock block in documents.Select(path => Path.GetRelativePath(Repository.Root, Path.Combine(Repository.Root, path)))
                .Order(StringComparer.Ordinal).SelectMany(document => CodeBlock.Of(Repository.Root, document)))
            {
                blocks.Add(block.Document.Replace('\\', '/'), block.Line);
            }

            return blocks;
        }
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Its_csharp_runs_as_it_stands_and_prints_what_it_says(string document, int line)
    {
        CodeBlock block = CodeBlock.Of(Repository.Root, document).Single(block => block.Line == line);
        string[] printed = [.. compiler.Run(block).Succeeded().Output.Split('\n').Select(static line => line.Trim())];
        int at = 0;
        foreach (string said in Said(block))
        {
            int found = Array.FindIndex(printed, at, line => IsWhat(said, line));
            Assert.True(found >= 0, $"{block} says that it prints '{said}'. It prints:\n{string.Join('\n', printed)}");
            at = found + 1;
        }
    }

    [Fact]
    public void A_fresh_console_app_runs_the_first_lines_of_the_README()
    {
        CodeBlock first = CodeBlock.Of(Repository.Root, "README.md").First();
        CommandResult result = new ConsoleApp(feed, "first").With("Vmem").WithProgram(first.Text).Run().Succeeded();
        string[] said = [.. Said(first)];
        Assert.NotEmpty(said);
        Assert.All(said, text => Assert.Contains(result.Output.Split('\n'), line => IsWhat(text, line.Trim())));
    }

    /// <summary>What stands behind // on a line that prints.</summary>
    private static IEnumerable<string> Said(CodeBlock block) =>
        block.Text.Split('\n')
            .Where(line => line.Contains("Console.WriteLine(", StringComparison.Ordinal) && line.Contains("// ", StringComparison.Ordinal))
            .Select(line => line[(line.IndexOf("// ", StringComparison.Ordinal) + 3)..].Trim());

    /// <summary>That is what it prints, or the beginning of it; an explanation may follow after a colon.</summary>
    private static bool IsWhat(string said, string line) =>
        line == said || line == said.Split(": ")[0] || (said.EndsWith('…') && line.StartsWith(said[..^1], StringComparison.Ordinal));
}
