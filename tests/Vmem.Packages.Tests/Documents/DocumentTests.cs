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
    public void Its_csharp_runs_as_it_stands(string document, int line) =>
        compiler.Run(CodeBlock.Of(Repository.Root, document).Single(block => block.Line == line)).Succeeded();

    [Fact]
    public void A_fresh_console_app_runs_the_first_lines_of_the_README()
    {
        CodeBlock first = CodeBlock.Of(Repository.Root, "README.md").First();
        CommandResult result = new ConsoleApp(feed, "first").With("Vmem").WithProgram(first.Text).Run().Succeeded();
        string[] expected = [.. ExpectedLines(first)];
        Assert.NotEmpty(expected);
        Assert.All(expected, line => Assert.Contains(line, result.Output, StringComparison.Ordinal));
    }

    // What stands behind // on a line that prints is what it prints; an explanation may follow after a colon.
    private static IEnumerable<string> ExpectedLines(CodeBlock block) =>
        block.Text.Split('\n')
            .Where(line => line.Contains("Console.WriteLine(", StringComparison.Ordinal) && line.Contains("// ", StringComparison.Ordinal))
            .Select(line => line[(line.IndexOf("// ", StringComparison.Ordinal) + 3)..].Split(": ")[0].Trim());
}
