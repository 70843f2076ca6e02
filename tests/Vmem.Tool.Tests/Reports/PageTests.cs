using Microsoft.Playwright;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Reports;

/// <summary>The report's page in a real browser.</summary>
[Trait("Once", "Release")]
public sealed class PageTests(Browser browser) : IClassFixture<Browser>, IDisposable
{
    private const int Phone = 390;
    private const int Desktop = 1280;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(Phone, ColorScheme.Light)]
    [InlineData(Phone, ColorScheme.Dark)]
    [InlineData(Desktop, ColorScheme.Light)]
    [InlineData(Desktop, ColorScheme.Dark)]
    public async Task It_loads_without_a_fault_without_the_network_and_without_scrolling_sideways(int width, ColorScheme scheme)
    {
        string file = WritePage(ReportFixture.Create(Samples.CompilerTrace));
        OpenedPage opened = await browser.OpenAsync(file, width, scheme);
        Assert.Empty(opened.Messages);
        Assert.All(opened.Requests, url => Assert.True(url == new Uri(file).AbsoluteUri || url == "data:,", url));
        Assert.Equal(width, await opened.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        string background = await opened.Page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor");
        Assert.Equal(scheme == ColorScheme.Dark ? "rgb(20, 23, 28)" : "rgb(255, 255, 255)", background);
        await KeepScreenshotAsync(opened.Page, $"report-{width}-{scheme}.png");
    }

    [Fact]
    public async Task Its_table_says_what_the_report_says()
    {
        ReplayReport report = ReportFixture.Create(Samples.CompilerTrace);
        OpenedPage opened = await browser.OpenAsync(WritePage(report), Desktop, ColorScheme.Light);
        foreach (Figure figure in Figure.Answer([], isLimited: false).Concat(Figure.Details([])))
        {
            foreach (PolicyReport policy in report.Traces[0].Policies)
            {
                string cell = await opened.Page.Locator($"tr[data-figure={figure.Key}] td[data-policy={policy.Policy}]").TextContentAsync() ?? "";
                Assert.Equal(figure.Show(policy), cell.Replace("(best)", "", StringComparison.Ordinal).Trim());
            }
        }

        Assert.Contains(report.Traces[0].Verdict, await opened.Page.Locator(".verdict").InnerTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Its_maps_are_painted_with_more_than_one_colour_and_change_with_the_colour_scheme()
    {
        OpenedPage opened = await browser.OpenAsync(WritePage(ReportFixture.Create(Samples.CompilerTrace)), Desktop, ColorScheme.Light);
        const string CountColours =
            """
            () => [...document.querySelectorAll("canvas")].map(canvas => {
              const data = new Uint32Array(canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.buffer);
              return new Set(data).size;
            })
            """;
        const string FirstPixel = "() => [...document.querySelector('canvas').getContext('2d').getImageData(0, 0, 1, 1).data].join()";
        int[] colours = await opened.Page.EvaluateAsync<int[]>(CountColours);
        Assert.Equal(3, colours.Length);
        Assert.All(colours, count => Assert.InRange(count, 3, 17));
        string light = await opened.Page.EvaluateAsync<string>(FirstPixel);
        await opened.Page.EmulateMediaAsync(new() { ColorScheme = ColorScheme.Dark });
        await opened.Page.WaitForFunctionAsync($"({FirstPixel})() !== '{light}'");
    }

    [Fact]
    public async Task Its_curves_and_sizes_have_an_area()
    {
        ReplayReport report = ReportFixture.Create(Samples.CompilerTrace);
        OpenedPage opened = await browser.OpenAsync(WritePage(report), Phone, ColorScheme.Light);
        const string Heights = "() => [...document.querySelectorAll('.curve path')].map(path => path.getBoundingClientRect().height)";
        Assert.All(await opened.Page.EvaluateAsync<double[]>(Heights), height => Assert.True(height > 20));
        Assert.Equal(report.Traces[0].Sizes.Count, await opened.Page.Locator(".sizes tbody tr").CountAsync());
    }

    [Fact]
    public async Task Pointing_at_a_map_tells_time_or_event_address_and_use()
    {
        string untimed = _folder.Write("untimed.txt", Samples.Generate(500, 50, seed: 1));
        OpenedPage opened = await browser.OpenAsync(
            WritePage(ReportFixture.Create(Samples.CompilerTrace, untimed)),
            Desktop,
            ColorScheme.Light);
        await opened.Page.Locator("#trace-1 canvas").First.HoverAsync();
        Assert.Matches(@"^after [\d.]+ ms, address .+: .+", await opened.Page.Locator("#trace-1 .readout").First.InnerTextAsync());
        Assert.Equal("15 ms", await opened.Page.Locator("#trace-1 .card[data-policy] .x span").Nth(3).InnerTextAsync());
        await opened.Page.Locator("#trace-2 canvas").First.HoverAsync();
        Assert.Matches(@"^event [\d,]+, address .+: .+", await opened.Page.Locator("#trace-2 .readout").First.InnerTextAsync());
        Assert.Equal("500", await opened.Page.Locator("#trace-2 .card[data-policy] .x span").Nth(5).InnerTextAsync());
    }

    [Fact]
    public async Task Other_figures_are_folded_away_and_say_what_fragmentation_means()
    {
        OpenedPage opened = await browser.OpenAsync(WritePage(ReportFixture.Create(Samples.CompilerTrace)), Phone, ColorScheme.Light);
        ILocator fragmentation = opened.Page.Locator("tr[data-figure=worstFragmentation]");
        Assert.False(await fragmentation.IsVisibleAsync());
        await opened.Page.Locator("summary").First.ClickAsync();
        Assert.True(await fragmentation.IsVisibleAsync());
        Assert.Contains("in several pieces", await opened.Page.Locator("details").First.InnerTextAsync(), StringComparison.Ordinal);
        await KeepScreenshotAsync(opened.Page, "report-details.png");
    }

    [Fact]
    public async Task Who_holds_the_most_and_who_causes_the_holes_have_a_table_each_where_the_recording_has_stacks()
    {
        string file = _folder.PathOf("report.html");
        string without = _folder.Write("without.txt", Samples.Generate(500, 50, seed: 1));
        Assert.Equal(0, (await ToolRun.Of("replay", Samples.CompilerTrace, without, "-a", "arena", "--report", file)).ExitCode);
        OpenedPage opened = await browser.OpenAsync(file, Desktop, ColorScheme.Light);
        Assert.Equal(0, await opened.Page.Locator("#trace-2 .sites").CountAsync());
        ILocator shown = opened.Page.Locator("#trace-1 .sites tbody tr:visible");
        Assert.Equal(2 * 5, await shown.CountAsync());
        foreach (ILocator fold in await opened.Page.Locator("#trace-1 details:has(.sites) summary").AllAsync())
        {
            await fold.ClickAsync();
        }

        Assert.Equal(2 * 10, await shown.CountAsync());
        Assert.Matches(@"^[\w.+]+\+0x[0-9a-f]+$", await opened.Page.Locator("#trace-1 .sites li").First.InnerTextAsync());
        await KeepScreenshotAsync(opened.Page, "report-sites.png");
    }

    [Fact]
    public async Task Both_questions_have_a_section_of_five_rows_with_the_winner_first_and_what_follows()
    {
        ReplayReport report = WithMemory(ReportFixture.Create(Samples.CompilerTrace));
        OpenedPage opened = await browser.OpenAsync(WritePage(report), Phone, ColorScheme.Light);
        Assert.Empty(opened.Messages);
        Assert.Equal(["Memory allocators", "Address policies"], await opened.Page.Locator(".answer h3").AllInnerTextsAsync());
        foreach ((AnswerReport answer, int index) in report.Traces[0].Answers.Select((answer, index) => (answer, index)))
        {
            ILocator section = opened.Page.Locator(".answer").Nth(index);
            Assert.Equal(5, await section.Locator("tbody tr:visible").CountAsync());
            Assert.Equal(answer.Best, await section.Locator(".figures thead th").Nth(1).InnerTextAsync());
            Assert.Equal(answer.Verdict, await section.Locator(".verdict").InnerTextAsync());
            Assert.Equal(answer.Consequence, await section.Locator(".consequence").InnerTextAsync());
            Assert.Equal(0, await section.Locator("tr[data-figure=finalFragmentation] .best, tr[data-figure=worstFragmentation] .best").CountAsync());
        }

        // Scrolled to its end, a table still shows its labels.
        ILocator table = opened.Page.Locator(".answer .scroll").First;
        await table.EvaluateAsync("element => { element.scrollLeft = 1000; }");
        Assert.True(await table.EvaluateAsync<double>("element => element.scrollLeft") > 0);
        double shift = await table.EvaluateAsync<double>("element => element.querySelector('th[scope=row]').getBoundingClientRect().left - element.getBoundingClientRect().left");
        Assert.InRange(shift, -1, 1);
        await KeepScreenshotAsync(opened.Page, "report-answers.png");
    }

    [Fact]
    public async Task One_chart_has_all_columns_over_time_in_seconds_with_the_peak_marked()
    {
        ReplayReport report = WithMemory(ReportFixture.Create(Samples.CompilerTrace));
        OpenedPage opened = await browser.OpenAsync(WritePage(report), Desktop, ColorScheme.Dark);
        ILocator chart = opened.Page.Locator(".over-time");
        Assert.Equal(report.Traces[0].Policies.Count, await chart.Locator(".overlay .line").CountAsync());
        Assert.Equal(report.Traces[0].Policies.Count + 1, await chart.Locator(".series li").CountAsync());
        Assert.Equal("0|5 ms|10 ms|15 ms", string.Join('|', await chart.Locator(".x.ticks span").AllInnerTextsAsync()));
        Assert.Matches("^peak, after 14[.0-9]* ms$", await chart.Locator(".marks span").InnerTextAsync());
        const string Heights = "paths => paths.map(path => path.getBoundingClientRect().height)";
        Assert.All(await chart.Locator(".overlay .line, .overlay .asked").EvaluateAllAsync<double[]>(Heights), height => Assert.True(height > 20));
    }

    [Fact]
    public void The_largest_sizes_end_at_the_top_of_64_bits()
    {
        string page = ReportFixture.Page(ReportFixture.Create(_folder.Write("t.txt", "a 1 18446744073709551615\na 2 1\n")));
        Assert.Contains("8 EiB – 16 EiB", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Several_recordings_have_a_section_each_and_names_are_not_taken_for_markup()
    {
        string hostile = _folder.Write("<b>{{title}}&.txt", Samples.Generate(500, 50, seed: 1));
        OpenedPage opened = await browser.OpenAsync(
            WritePage(ReportFixture.Create(Samples.CompilerTrace, hostile)),
            Phone,
            ColorScheme.Dark);
        Assert.Empty(opened.Messages);
        Assert.Equal(2, await opened.Page.Locator("section.trace").CountAsync());
        Assert.Equal(hostile, await opened.Page.Locator("#trace-2 .path").InnerTextAsync());
        Assert.Equal(Phone, await opened.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
    }

    [Fact]
    public async Task Other_allocators_stand_beside_the_arena_and_the_context_has_a_section()
    {
        string other = _folder.Write("other.txt", Samples.Generate(2_000, 100, seed: 1));
        string file = _folder.PathOf("report.html");
        ToolRun run = await ToolRun.Of("replay", Samples.CompilerTrace, other, "-a", "arena,buddy,client", "-p", "first", "--report", file);
        Assert.Equal(0, run.ExitCode);
        OpenedPage opened = await browser.OpenAsync(file, Phone, ColorScheme.Dark);
        Assert.Empty(opened.Messages);
        Assert.Equal(Phone, await opened.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.Equal(
            ["a client", "first fit", "the buddy allocator"],
            (await opened.Page.Locator("#trace-2 .card h4").AllInnerTextsAsync())
                .Select(text => text.Replace("suits best", "", StringComparison.Ordinal).Trim()).Order(StringComparer.Ordinal));
        Assert.Equal(2, await opened.Page.Locator("#context tbody tr").CountAsync());
        Assert.Contains("all of the context is free", await opened.Page.Locator("#context").InnerTextAsync(), StringComparison.Ordinal);
        await KeepScreenshotAsync(opened.Page, "report-clients.png");
    }

    /// <summary>The same with columns of real memory, which need no real memory to be shown.</summary>
    private static ReplayReport WithMemory(ReplayReport report)
    {
        TraceReport trace = report.Traces[0];
        PolicyReport any = trace.Policies[0];
        PolicyReport heap = Memory("heap", 1.2);
        PolicyReport malloc = Memory("malloc", 1.5);
        PolicyReport[] others = [Memory("mimalloc", 1.6), Memory("jemalloc", 1.7)];
        var answer = new AnswerReport
        {
            Kind = AnswerReport.Memory,
            Best = heap.Policy,
            Verdict = Verdict.Write(heap, [heap], [malloc, heap, .. others]),
            Consequence = Consequence.Write(heap, [heap], [malloc, heap, .. others]),
        };
        trace = trace with { Answers = [answer, .. trace.Answers], Policies = [malloc, heap, .. others, .. trace.Policies] };
        return report with { Traces = [trace] };

        PolicyReport Memory(string name, double factor) => any with
        {
            Policy = name,
            Allocator = name,
            Map = null,
            BookkeepingBytes = 0,
            RangeBytes = (ulong)(factor * any.PeakRequestedBytes),
            CostBytes = (ulong)(factor * any.PeakRequestedBytes),
            Overhead = factor - 1,
            PeakResidentBytes = (ulong)(factor * any.PeakRequestedBytes),
            Curve = any.Curve with { ResidentBytes = [.. any.Curve.RequestedBytes.Select(bytes => (long)(factor * bytes))] },
        };
    }

    private string WritePage(ReplayReport report) => _folder.Write("report.html", System.Text.Encoding.UTF8.GetBytes(ReportFixture.Page(report)));

    // For whoever wants to look: VMEM_SCREENSHOTS names a folder.
    private static async Task KeepScreenshotAsync(IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("VMEM_SCREENSHOTS") is string folder)
        {
            await page.ScreenshotAsync(new() { Path = Path.Combine(folder, name), FullPage = true });
        }
    }
}
