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
    public void Every_option_is_in_its_commands_table_and_no_other()
    {
        var console = new ToolConsole(() => Stream.Null, TextWriter.Null, TextWriter.Null);
        Assert.Equal(OptionsOf(ReplayCommand.Create(console)), DocumentedIn("## Options"));
        Assert.Equal(OptionsOf(RecordCommand.Create(console)), DocumentedIn("## Recordings"));
    }

    [Fact]
    public void Every_figure_has_its_label_and_its_name_in_the_json_in_one_row()
    {
        PolicyReport memory = ReportFixture.Create(Samples.CompilerTrace).Traces[0].Policies[0] with { Allocator = "malloc" };
        Assert.All(
            [
                .. Figure.Answer([memory], isLimited: true), .. Figure.Details([memory]),
                .. Figure.Answer([], isLimited: true), .. Figure.Details([]),
            ],
            figure => Assert.Contains($"| {figure.Label} | `{figure.Key}` |", s_text, StringComparison.Ordinal));
    }

    private static IEnumerable<string> OptionsOf(Command command) =>
        command.Options.Select(option => option.Name).Order(StringComparer.Ordinal);

    private static IEnumerable<string> DocumentedIn(string heading) =>
        OptionRow().Matches(s_text.Split($"\n{heading}\n")[1].Split("\n## ")[0]).Select(match => match.Groups[1].Value).Order(StringComparer.Ordinal);

    [GeneratedRegex(@"^\| (?:`-\w`, )?`(--[a-z-]+)[^|]*` \|", RegexOptions.Multiline)]
    private static partial Regex OptionRow();
}
