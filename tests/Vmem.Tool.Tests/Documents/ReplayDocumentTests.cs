using System.CommandLine;
using System.Text.RegularExpressions;
using Vmem.Tool.Commands;
using Vmem.Tool.Reports;
using Vmem.Tool.Tests.Reports;

namespace Vmem.Tool.Tests.Documents;

/// <summary>docs/replay.md says what the command has: every option, every figure, every name in the JSON.</summary>
public sealed partial class ReplayDocumentTests
{
    private static readonly string s_text = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "replay.md"));

    [Fact]
    public void Every_option_of_replay_is_in_the_table_and_no_other()
    {
        Command replay = ReplayCommand.Create(new ToolConsole(() => Stream.Null, TextWriter.Null, TextWriter.Null));
        IEnumerable<string> documented = OptionRow().Matches(s_text).Select(match => match.Groups[1].Value);
        Assert.Equal(replay.Options.Select(option => option.Name).Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_figure_has_its_label_and_its_name_in_the_json_in_one_row()
    {
        PolicyReport memory = ReportFixture.Create(Samples.CompilerTrace).Traces[0].Policies[0] with { Allocator = "malloc" };
        Assert.All(
            [.. Figure.Answer([memory], isLimited: true), .. Figure.Details([memory])],
            figure => Assert.Contains($"| {figure.Label} | `{figure.Key}` |", s_text, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"^\| (?:`-\w`, )?`(--[a-z-]+)[^|]*` \|", RegexOptions.Multiline)]
    private static partial Regex OptionRow();
}
