using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace Vmem.Architecture.Tests.Documents;

/// <summary>docs/promises.md names tests that exist, in words that stand where it says, and leaves out no promise of the pages.</summary>
public sealed partial class PromiseTests
{
    private const int LeaseRules = 12;            // R0 to R11

    private static readonly Dictionary<string, string> s_pages = new()
    {
        ["README.md"] = "README.md",
        ["guide.md"] = "docs/guide.md",
        ["memory.md"] = "docs/memory.md",
        ["clients.md"] = "docs/clients.md",
        ["leases.md"] = "docs/leases.md",
        ["net.md"] = "docs/net.md",
        ["web.md"] = "docs/web.md",
    };

    private static readonly CSharpParseOptions s_asInDebug = new(preprocessorSymbols: ["DEBUG"]);      // some tests are there in Debug only

    private static readonly IReadOnlyList<Promise> s_promises = Promise.Read(Text("docs/promises.md"));

    [Fact]
    public void Each_test_that_it_names_exists()
    {
        Assert.NotEmpty(s_promises);
        None.Of(s_promises.SelectMany(static promise => promise.Tests).Distinct().Where(static test => !Exists(test)));
    }

    [Fact]
    public void Each_promise_stands_where_it_says() =>
        None.Of(s_promises.Where(static promise => !IsMade(promise))
            .Select(static promise => $"{promise.Where} does not say: {promise.Words}"));

    [Fact]
    public void No_promise_of_the_pages_is_left_out() => None.Of(s_pages.SelectMany(static page =>
        LeftOut(Prose.OfMarkdownOnly(Text(page.Value)), s_promises.Where(promise => promise.Where == page.Key))
            .Select(words => $"{page.Key}: …{words}…")));

    /// <summary>docs/leases.md promises it.</summary>
    [Fact]
    public void Each_rule_of_leases_has_a_test_that_bears_its_number()
    {
        string tests = string.Concat(Directory.EnumerateFiles(PathOf("tests"), "*.cs", SearchOption.AllDirectories)
            .Where(static file => file.Contains("Vmem.Leasing.", StringComparison.Ordinal)).Select(File.ReadAllText));
        None.Of(Enumerable.Range(0, LeaseRules).Where(rule => !tests.Contains($" R{rule}_", StringComparison.Ordinal)));
    }

    /// <summary>The checks can fail.</summary>
    [Fact]
    public void What_is_wrong_is_found()
    {
        Assert.True(Exists($"Vmem.Architecture.Tests/Documents/{nameof(PromiseTests)}.{nameof(What_is_wrong_is_found)}"));
        Assert.False(Exists($"Vmem.Architecture.Tests/Documents/{nameof(PromiseTests)}.{nameof(Exists)}"));
        Assert.False(Exists($"Vmem.Architecture.Tests/{nameof(PromiseTests)}.{nameof(What_is_wrong_is_found)}"));
        Assert.False(Exists($"Vmem.Architecture.Tests/Documents/NoTests.{nameof(What_is_wrong_is_found)}"));
        Assert.False(Exists(Promise.Read("| README.md | a promise | to be written |")[0].Tests[0]));
        Assert.True(IsMade(new Promise("ArenaMap", "A map is for one thread at a time.", [])));
        Assert.False(IsMade(new Promise("ArenaMap", "A map is for all threads.", [])));
        Assert.False(IsMade(new Promise("guide.md", "A map is for one thread at a time.", [])));
        const string Page = "It never fails, and it cannot. It is not late.";
        Assert.Equal(Page, Assert.Single(LeftOut(Page, [new Promise("", "It never fails", [])])));
        Assert.Empty(LeftOut(Page, [new Promise("", "It never fails", []), new Promise("", "it cannot", [])]));
    }

    /// <summary>The words of promise that none of the promises includes, with some before and after.</summary>
    private static IEnumerable<string> LeftOut(string page, IEnumerable<Promise> promises)
    {
        (int From, int To)[] known = [.. promises.SelectMany(promise => Regex.Matches(page, Regex.Escape(promise.Words)))
            .Select(static match => (match.Index, match.Index + match.Length))];
        return Word().Matches(page)
            .Where(word => !Array.Exists(known, part => part.From <= word.Index && word.Index + word.Length <= part.To))
            .Select(word => page[Math.Max(0, word.Index - 60)..Math.Min(page.Length, word.Index + 60)]);
    }

    private static bool IsMade(Promise promise)
    {
        string words = s_pages.TryGetValue(promise.Where, out string? page)
            ? Prose.OfMarkdown(Text(page))
            : string.Join(' ', Sources(promise.Where).Select(static file => Prose.OfDocumentation(File.ReadAllText(file))));
        return words.Contains(promise.Words, StringComparison.Ordinal);
    }

    /// <summary>The files of a type: Arena.cs, Arena.Waiting.cs.</summary>
    private static IEnumerable<string> Sources(string type) =>
        Directory.EnumerateFiles(PathOf("src"), $"{type}*.cs", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(file).Split('.')[0] == type);

    /// <summary>Whether a class in that folder has a test of that name.</summary>
    private static bool Exists(string test)
    {
        if (TestName().Match(test) is not { Success: true } name || !Directory.Exists(PathOf($"tests/{name.Groups[1].Value}")))
        {
            return false;
        }

        string type = name.Groups[2].Value;
        return Directory.EnumerateFiles(PathOf($"tests/{name.Groups[1].Value}"), $"{type}*.cs")
            .SelectMany(static file => CSharpSyntaxTree.ParseText(File.ReadAllText(file), s_asInDebug).GetRoot().DescendantNodes())
            .OfType<MethodDeclarationSyntax>()
            .Any(method => method.Identifier.ValueText == name.Groups[3].Value
                && method.Parent is TypeDeclarationSyntax parent && parent.Identifier.ValueText == type && IsTest(method));
    }

    private static bool IsTest(MethodDeclarationSyntax method) => method.AttributeLists.SelectMany(static list => list.Attributes)
        .Any(static attribute => attribute.Name.ToString() is "Fact" or "Theory");

    private static string Text(string path) => File.ReadAllText(PathOf(path)).ReplaceLineEndings("\n");

    private static string PathOf(string path) => Path.Combine(SourceProject.Root, path);

    [GeneratedRegex(@"\b(?:never|always|only if|at once|cannot|whatever|no call|no operation)\b|\bO\(", RegexOptions.IgnoreCase)]
    private static partial Regex Word();

    [GeneratedRegex(@"^(.+)/(\w+)\.(\w+)$")]
    private static partial Regex TestName();
}
