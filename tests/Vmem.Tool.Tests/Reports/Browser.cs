using Microsoft.Playwright;

namespace Vmem.Tool.Tests.Reports;

/// <summary>
/// Debian's Chromium, started once for all page tests. Where there is none the tests are skipped with a reason; in CI, which installs it,
/// they fail.
/// </summary>
public sealed class Browser : IAsyncLifetime
{
    private const string Program = "/usr/bin/chromium";

    /// <summary>In milliseconds: only what hangs takes so long. By default it is some seconds, which a busy machine may need.</summary>
    private const float Patience = 120_000;

    private static readonly string[] s_arguments =
    [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    ];

    private IPlaywright? _playwright;
    private IBrowser? _browser;

    public async ValueTask InitializeAsync()
    {
        if (!File.Exists(Program))
        {
            return;
        }

        Assertions.SetDefaultExpectTimeout(Patience);
        _playwright = await Playwright.CreateAsync();
        _browser = await _playwright.Chromium.LaunchAsync(
            new() { ExecutablePath = Program, Headless = true, Args = s_arguments, Timeout = Patience });
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null)
        {
            await _browser.DisposeAsync();
        }

        _playwright?.Dispose();
    }

    /// <summary>Opens a file in a window of a given width.</summary>
    internal async Task<OpenedPage> OpenAsync(string file, int width, ColorScheme scheme)
    {
        if (_browser is null)
        {
            Needs.Package("Chromium", "chromium");
        }

        IPage page = await _browser.NewPageAsync(new() { ViewportSize = new() { Width = width, Height = 900 }, ColorScheme = scheme });
        page.SetDefaultTimeout(Patience);
        var opened = new OpenedPage(page);
        page.Console += (_, message) => opened.Messages.Add($"{message.Type}: {message.Text}");
        page.PageError += (_, error) => opened.Messages.Add(error);
        page.Request += (_, request) => opened.Requests.Add(request.Url);
        await page.GotoAsync(new Uri(file).AbsoluteUri);
        return opened;
    }
}

/// <summary>A page, and what it said and asked for while it loaded.</summary>
internal sealed record OpenedPage(IPage Page)
{
    public List<string> Messages { get; } = [];

    public List<string> Requests { get; } = [];
}
