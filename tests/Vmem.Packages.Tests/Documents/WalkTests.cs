using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Vmem.Packages.Tests.Feed;

namespace Vmem.Packages.Tests.Documents;

/// <summary>docs/walks.md names methods, internal ones too, and docs/design.md the types that decisions are told at; each of them
/// exists.</summary>
public sealed partial class WalkTests
{
    private const int Walks = 4;
    private const int LeastSteps = 5;

    private static readonly string s_document = File.ReadAllText(Repository.PathOf("docs/walks.md")).ReplaceLineEndings("\n");

    private static readonly HashSet<string> s_methods = [.. Methods()];

    public static TheoryData<string> Names => [.. Code().Matches(s_document).Select(match => match.Groups[1].Value).Distinct()];

    [Theory]
    [MemberData(nameof(Names))]
    public void Each_method_that_it_names_exists(string name) =>
        Assert.True(s_methods.Contains(name), $"docs/walks.md names {name}, and src/ has no such method. Is it called {string.Join(" or ", Alike(name))}?");

    [Fact]
    public void There_are_four_walks_in_steps_that_each_name_a_method()
    {
        string[] walks = Heading().Split(s_document)[1..];
        Assert.Equal(Walks, walks.Length);
        foreach (string walk in walks)
        {
            (int Number, string Text)[] steps = [
                .. Step().Matches(walk).Select(match => (int.Parse(match.Groups[1].ValueSpan), match.Value))
            ];
            Assert.Equal(Enumerable.Range(1, steps.Length), steps.Select(step => step.Number));
            Assert.InRange(steps.Length, LeastSteps, int.MaxValue);
            Assert.All(steps, step => Assert.Matches(Code(), step.Text));
        }
    }

    [Fact]
    public void Each_type_that_the_design_points_to_exists()
    {
        string[] rows = [.. File.ReadLines(Repository.PathOf("docs/design.md")).Where(line => Row().IsMatch(line))];
        Assert.NotEmpty(rows);
        HashSet<string> types = [.. Types().Select(type => type.Identifier.ValueText)];
        Assert.All(rows, row => Assert.All(Name().Matches(row.Split('|')[^2]), name => Assert.Contains(name.Groups[1].Value, types)));
    }

    private static IEnumerable<TypeDeclarationSyntax> Types() =>
        from file in Directory.EnumerateFiles(Repository.PathOf("src"), "*.cs", SearchOption.AllDirectories)
        where !file.Contains($"{Path.DirectorySeparatorChar}obj{Path.DirectorySeparatorChar}", StringComparison.Ordinal)
        from type in CSharpSyntaxTree.ParseText(File.ReadAllText(file)).GetRoot().DescendantNodes().OfType<TypeDeclarationSyntax>()
        select type;

    private static IEnumerable<string> Methods() =>
        from type in Types()
        from method in type.Members.OfType<MethodDeclarationSyntax>()
        select $"{type.Identifier.ValueText}.{method.Identifier.ValueText}";

    private static IEnumerable<string> Alike(string name)
    {
        string method = name[(name.IndexOf('.', StringComparison.Ordinal) + 1)..];
        string type = name[..name.IndexOf('.', StringComparison.Ordinal)];
        string[] alike = [.. s_methods.Where(other => other.EndsWith($".{method}", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
        return alike.Length > 0
            ? alike
            : s_methods.Where(other => other.StartsWith($"{type}.", StringComparison.Ordinal)).Order(StringComparer.Ordinal).DefaultIfEmpty("something else");
    }

    // Type.Method in code font; "`heap.Allocate(64)`" and the like are the reader's own code.
    [GeneratedRegex("`([A-Z][A-Za-z]*\\.[A-Z][A-Za-z]*)`")]
    private static partial Regex Code();

    // A row of the table of decisions ends with types.
    [GeneratedRegex(@"^\| .* \| `\w+`(, `\w+`)* \|$")]
    private static partial Regex Row();

    [GeneratedRegex(@"`(\w+)`")]
    private static partial Regex Name();

    [GeneratedRegex(@"^## \d\. ", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^(\d+)\. .*$", RegexOptions.Multiline)]
    private static partial Regex Step();
}
