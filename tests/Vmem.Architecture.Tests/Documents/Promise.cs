using System.Text.RegularExpressions;

namespace Vmem.Architecture.Tests.Documents;

/// <summary>A row of docs/promises.md.</summary>
/// <param name="Where">A page, or a type whose XML documentation is meant.</param>
/// <param name="Words">The words that stand there.</param>
/// <param name="Tests">Folder below tests/, class and method of each test; none for words that promise nothing.</param>
internal sealed partial record Promise(string Where, string Words, IReadOnlyList<string> Tests)
{
    private const int CellsWithTests = 3;
    private const char Bar = '\uFFFF';            // for one that is escaped; no text has it

    /// <summary>The rows of all tables.</summary>
    public static IReadOnlyList<Promise> Read(string page) =>
        [.. page.Split('\n').Where(static line => line.StartsWith("| ", StringComparison.Ordinal)).Select(Of)
            .Where(static promise => promise.Where != "where")];

    private static Promise Of(string row)
    {
        string[] cells = [.. row.Replace(@"\|", $"{Bar}", StringComparison.Ordinal).Trim('|').Split('|')
            .Select(static cell => cell.Trim().Replace(Bar, '|'))];
        if (cells.Length < CellsWithTests)
        {
            return new Promise(cells[0], Prose.OfMarkdown(cells[1]), []);
        }

        string[] tests = [.. Code().Matches(cells[2]).Select(static match => match.Groups[1].Value)];
        return new Promise(cells[0], Prose.OfMarkdown(cells[1]), tests.Length > 0 ? tests : ["(none)"]);
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Code();
}
