#!/usr/bin/env dotnet
#:property PublishAot=false

// Reads a report of Stryker's and says how many mutants survived: "dotnet run eng/mutants.cs -- PART REPORT". eng/mutants.sh calls it.
//
// A survivor is known if docs/survivors.md has a row for it: its file, its line without the blanks around it, what the line became, and
// why no test can or need see it. A row whose file was mutated and that no survivor has any more is said too: somebody should delete it.
//
// Exit code 0: all survivors are known and the score is 85 % or more. 1: not so. 2: the report or the page is not what it should be.

using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

const double Bar = 85;
const string Page = "docs/survivors.md";

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
Console.OutputEncoding = System.Text.Encoding.UTF8;
if (args.Length != 2 || !File.Exists(args[1]) || !File.Exists(Page))
{
    Console.Error.WriteLine($"Usage, from the root of the repository: dotnet run eng/mutants.cs -- PART REPORT. It reads {Page}, too.");
    return 2;
}

// No test sees where the library goes on after a wait: it has nothing that minds.
Mutant[] mutants = [.. Report.Read(args[1]).Where(mutant => !mutant.Becomes.Contains("ConfigureAwait(true)", StringComparison.Ordinal))];
int Count(string status) => mutants.Count(mutant => mutant.Status == status);
int killed = Count("Killed");
int late = Count("Timeout");
Mutant[] survivors = [.. mutants.Where(mutant => mutant.Status is "Survived" or "NoCoverage")];
int valid = killed + late + survivors.Length;
if (valid == 0)
{
    Console.Error.WriteLine("No mutant was tested.");
    return 2;
}

HashSet<(string, string, string)> known = [.. Known.Read(Page)];
Mutant[] unknown = [.. survivors.Where(survivor => !known.Contains(survivor.Key))];
double score = 100.0 * (killed + late) / valid;
Console.WriteLine(
    $"{args[0]}: {score:0.0} % of {valid} mutants: {killed} killed, {late} by time, {survivors.Length} survived, of which {survivors.Length - unknown.Length} are known; "
    + $"{Count("CompileError")} did not compile, {Count("Ignored")} were left out");
foreach (Mutant survivor in unknown)
{
    Console.WriteLine($"| {survivor.File} | `{Known.Escape(survivor.Line)}` | `{Known.Escape(survivor.Becomes)}` |  | {survivor.Place} {survivor.Kind}");
}

HashSet<string> files = [.. mutants.Where(mutant => mutant.Status != "Ignored").Select(mutant => mutant.File)];
foreach ((string file, string line, string becomes) in known.Except(survivors.Select(survivor => survivor.Key))
    .Where(row => files.Contains(row.Item1)))
{
    Console.WriteLine($"No longer survives: {file}, `{line}`, `{becomes}`");
}

return unknown.Length == 0 && score >= Bar ? 0 : 1;

/// <summary>One change.</summary>
internal sealed record Mutant(string File, string Line, string Becomes, string Status, string Kind, string Place)
{
    public (string, string, string) Key => (File, Line, Becomes);
}

/// <summary>The report: https://github.com/stryker-mutator/mutation-testing-elements says what is in it.</summary>
internal static class Report
{
    public static IEnumerable<Mutant> Read(string path)
    {
        using JsonDocument report = JsonDocument.Parse(File.ReadAllText(path));
        foreach (JsonProperty file in report.RootElement.GetProperty("files").EnumerateObject())
        {
            string[] lines = file.Value.GetProperty("source").GetString()!.Split('\n');
            foreach (JsonElement mutant in file.Value.GetProperty("mutants").EnumerateArray())
            {
                (int line, int column) = Position(mutant, "start");
                (int lastLine, int end) = Position(mutant, "end");
                // A change over several lines is shown by its first and its last; a block, by what it belongs to.
                string owner = lines[line].Trim() == "{" && line > 0 ? lines[line - 1].Trim() + " " : "";
                string before = owner + lines[line][..column];
                string after = lines[lastLine][end..];
                string becomes = OneLine(before + mutant.GetProperty("replacement").GetString() + after);
                yield return new Mutant(
                    Path.GetFileName(file.Name),
                    owner + lines[line].Trim(),
                    becomes,
                    mutant.GetProperty("status").GetString()!,
                    mutant.GetProperty("mutatorName").GetString()!,
                    $"line {line + 1}");
            }
        }
    }

    /// <summary>Lines and columns are counted from 1.</summary>
    private static (int Line, int Column) Position(JsonElement mutant, string which)
    {
        JsonElement position = mutant.GetProperty("location").GetProperty(which);
        return (position.GetProperty("line").GetInt32() - 1, position.GetProperty("column").GetInt32() - 1);
    }

    private static string OneLine(string text) => string.Join(' ', text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
}

/// <summary>The page of survivors that are known.</summary>
internal static partial class Known
{
    public static IEnumerable<(string File, string Line, string Becomes)> Read(string page) =>
        File.ReadLines(page).Select(line => Row().Match(line)).Where(row => row.Success)
            .Select(row => (row.Groups[1].Value, Unescape(row.Groups[2].Value), Unescape(row.Groups[3].Value)));

    /// <summary>A bar would end a cell, even in code.</summary>
    public static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal);

    private static string Unescape(string text) => text.Replace("\\|", "|", StringComparison.Ordinal);

    [GeneratedRegex(@"^\| ([\w.{}]+\.cs) \| `(.*?)` \| `(.*?)` \| .+ \|$")]
    private static partial Regex Row();
}
