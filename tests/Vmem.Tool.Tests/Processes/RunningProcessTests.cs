using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Xml.Linq;
using Vmem.Testing.Time;
using Vmem.Tool.Commands;
using Vmem.Tool.Processes;

namespace Vmem.Tool.Tests.Processes;

/// <summary><c>vmem ps</c>, <c>top</c> and <c>map -p</c> on a program that runs.</summary>
public sealed class RunningProcessTests
{
    [Fact]
    public async Task A_running_program_is_listed_shown_and_drawn()
    {
        using var child = new ChildProgram();
        string pid = child.Id.ToString(CultureInfo.InvariantCulture);

        // On a busy machine a program may be too late for one look.
        JsonElement program = default;
        await Eventually.HoldsAsync(async () =>
        {
            ToolRun ps = await ToolRun.Of("ps", "--json");
            Assert.Equal((ExitCodes.Success, ""), (ps.ExitCode, ps.Error));
            program = Lines(ps).SingleOrDefault(line => line.GetProperty("pid").GetInt32() == child.Id);
            return program.ValueKind == JsonValueKind.Object;
        });
        JsonElement above = Assert.Single(program.GetProperty("arenas").EnumerateArray(), static arena => arena.GetProperty("name").GetString() == "child above");
        Assert.Equal(("child, below", "UInt64", 16, 500 * 48), (above.GetProperty("source").GetString(), above.GetProperty("type").GetString(),
            above.GetProperty("quantum").GetInt32(), above.GetProperty("in_use").GetInt32()));

        await Eventually.HoldsAsync(async () => (await ToolRun.Of("ps")).Output.Contains(pid, StringComparison.Ordinal));

        ToolRun top = await ToolRun.Of("top", "-p", pid, "--interval", "0.2", "--count", "2", "--json", "--sort", "name");
        Assert.Equal((ExitCodes.Success, ""), (top.ExitCode, top.Error));
        JsonElement[] samples = [.. Lines(top)];
        Assert.Equal(2, samples.Length);
        JsonElement arena = Thing(samples[1], "arena", "child above");
        Assert.Equal((500 * 48, 500, 1_000), (arena.GetProperty("in_use").GetInt32(), arena.GetProperty("segments").GetInt32(),
            arena.GetProperty("allocations").GetInt32()));
        Assert.InRange(arena.GetProperty("fragmentation").GetDouble(), 0, 1);
        Assert.Equal(1, Thing(samples[1], "heap", "child heap").GetProperty("live_blocks").GetInt32());
        Assert.Equal(1 << 20, Thing(samples[1], "arena", "child, below").GetProperty("size").GetInt32());

        ToolRun shown = await ToolRun.Of("top", "-p", pid, "--interval", "0.2", "--count", "1");
        Assert.Equal((ExitCodes.Success, ""), (shown.ExitCode, shown.Error));
        Assert.Contains("child above", shown.Output, StringComparison.Ordinal);
        Assert.Contains("24,000", shown.Output, StringComparison.Ordinal);

        ToolRun map = await ToolRun.Of("map", "-p", pid, "--arena", "child above");
        Assert.Equal((ExitCodes.Success, ""), (map.ExitCode, map.Error));
        XDocument svg = XDocument.Parse(map.Output);
        string figures = svg.Descendants().Single(static element => (string?)element.Attribute("id") == "figures").Value;
        Assert.StartsWith("23.4 KiB in use,", figures, StringComparison.Ordinal);

        ToolRun unknown = await ToolRun.Of("map", "-p", pid, "--arena", "no such");
        Assert.Equal(ExitCodes.BadInput, unknown.ExitCode);
        Assert.Contains("'child above'", unknown.Error, StringComparison.Ordinal);
    }

    [Fact(Timeout = Needs.Patience)]
    public async Task Top_ends_when_its_reader_has_enough()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        using var child = new ChildProgram();
        using Process top = ToolProcess.Start(".", "top", "-p", $"{child.Id}", "--interval", "0.1", "--json");
        using CancellationTokenRegistration killing = cancellationToken.Register(top.Kill);
        Assert.StartsWith("{", await top.StandardOutput.ReadLineAsync(cancellationToken), StringComparison.Ordinal);
        top.StandardOutput.Close();
        string error = await top.StandardError.ReadToEndAsync(cancellationToken);
        await top.WaitForExitAsync(cancellationToken);
        Assert.Equal((ExitCodes.Success, ""), (top.ExitCode, error));
    }

    [Theory(Timeout = Needs.Patience)]
    [InlineData("--json")]
    [InlineData("--sort=name")]
    public async Task Top_says_that_it_cannot_write(string option)
    {
        Assert.SkipUnless(File.Exists("/dev/full"), "This test needs /dev/full.");
        using var child = new ChildProgram();
        ToolProcess top = await ToolProcess.RunFullAsync(
            TestContext.Current.CancellationToken, "top", "-p", $"{child.Id}", "--interval", "0.1", "-n", "3", option);
        Assert.Equal(ExitCodes.BadInput, top.ExitCode);
        Assert.StartsWith("vmem: ", Assert.Single(top.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Wrong_usage_is_said()
    {
        Assert.Equal(ExitCodes.WrongUsage, (await ToolRun.Of("map")).ExitCode);
        Assert.Equal(ExitCodes.WrongUsage, (await ToolRun.Of("map", "x.json", "-p", "1")).ExitCode);
        Assert.Equal(ExitCodes.WrongUsage, (await ToolRun.Of("map", "x.json", "--arena", "a")).ExitCode);
        Assert.Equal(ExitCodes.WrongUsage, (await ToolRun.Of("top", "-p", "1", "--interval", "0.01")).ExitCode);
        Assert.Equal(ExitCodes.WrongUsage, (await ToolRun.Of("top", "-p", "1", "--sort", "colour")).ExitCode);
        ToolRun gone = await ToolRun.Of("top", "-p", "2147483647");
        Assert.Equal(ExitCodes.BadInput, gone.ExitCode);
        Assert.Contains("process 2147483647 cannot be asked", gone.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("vmem.arena.name=a", "a", "1")]
    [InlineData("vmem.arena.name=a,vmem.arena.instance=12", "a", "12")]
    [InlineData("vmem.arena.name=a, b=c,vmem.arena.instance=2", "a, b=c", "2")]
    [InlineData("vmem.client.name=a,vmem.context.name=b", "a of b", "1")]
    [InlineData("vmem.client.name=a,vmem.context.name=c,vmem.context.name=b,vmem.context.instance=2", "a,vmem.context.name=c of b", "2")]
    [InlineData("vmem.arena.name=a.instance=3", "a.instance=3", "1")]
    [InlineData("", "", "1")]
    public void Tags_are_read_whatever_the_name(string tags, string name, string instance) =>
        Assert.Equal((name, instance), MetricsFeed.Tags(tags));

    [Fact]
    public void A_sparkline_goes_from_the_least_to_the_most()
    {
        Assert.Equal("", TopColumns.Sparkline([]));
        Assert.Equal("▁▁▁", TopColumns.Sparkline([5, 5, 5]));
        Assert.Equal("▁▅█", TopColumns.Sparkline([0, 4, 7]));
    }

    private static JsonElement Thing(JsonElement sample, string kind, string name) => Assert.Single(
        sample.GetProperty("things").EnumerateArray(),
        thing => thing.GetProperty("kind").GetString() == kind && thing.GetProperty("name").GetString() == name);

    private static IEnumerable<JsonElement> Lines(ToolRun run) =>
        run.Output.Split(Environment.NewLine, StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => JsonDocument.Parse(line).RootElement);
}
