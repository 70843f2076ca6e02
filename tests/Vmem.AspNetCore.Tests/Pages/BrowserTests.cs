using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Playwright;
using Vmem.Memory;
using Vmem.Testing.Time;
using Vmem.Tool.Tests.Reports;

namespace Vmem.AspNetCore.Tests.Pages;

/// <summary>The live page in a real browser.</summary>
public sealed class BrowserTests(Browser browser) : IClassFixture<Browser>
{
    [Theory]
    [InlineData(1_200, ColorScheme.Light)]
    [InlineData(360, ColorScheme.Dark)]
    public async Task Figures_move_and_a_leak_shows(int width, ColorScheme scheme)
    {
        await using PageServer server = await PageServer.StartAsync(static options => options.Interval = TimeSpan.FromMilliseconds(50));
        using Arena<ulong> arena = new($"leaky <b>{width}</b>", 0, 1_000, 1, new ArenaOptions<ulong> { Audit = true });
        using NativeHeap heap = new(new NativeHeapOptions { Name = $"heap-{width}" });
        FillSlabs(heap);
        OpenedPage opened = await browser.OpenAsync(server.Address, width, scheme);
        ILocator card = opened.Page.Locator($"[data-id='leaky <b>{width}</b>#1']");
        await Assertions.Expect(card).ToContainTextAsync("in use 0 of 1000 (0 %)");
        for (int i = 0; i < 5; i++)
        {
            _ = arena.Allocate(100);
        }

        await Assertions.Expect(card).ToContainTextAsync("in use 500 of 1000 (50 %)");
        await Assertions.Expect(card.Locator(".map")).ToContainTextAsync(new string('█', 32));
        Assert.False(arena.TryAllocate(800, out _));
        await Assertions.Expect(card).ToContainTextAsync("✕ 1 failed");
        await card.GetByRole(AriaRole.Button).ClickAsync();
        await Assertions.Expect(card).ToContainTextAsync("500 in 5 ranges");
        await Assertions.Expect(card.Locator("pre")).ToContainTextAsync(nameof(Figures_move_and_a_leak_shows));
        await Assertions.Expect(opened.Page.Locator("#heaps")).ToContainTextAsync($"heap-{width}");
        await Assertions.Expect(opened.Page.Locator("#classes")).ToContainTextAsync($"in heap-{width}");
        Assert.Empty(opened.Messages);
        Assert.All(opened.Requests, request => Assert.StartsWith(server.Address, request, StringComparison.Ordinal));
        int overhang = await opened.Page.EvaluateAsync<int>("document.documentElement.scrollWidth - document.documentElement.clientWidth");
        Assert.Equal(0, overhang);
        await SaveAsync(opened.Page, $"live-{width}");
        await opened.Page.CloseAsync();
    }

    [Fact]
    public async Task Fifty_arenas_do_not_jam_it()
    {
        await using PageServer server = await PageServer.StartAsync(static options => options.Interval = TimeSpan.FromMilliseconds(50));
        Arena<uint>[] arenas = [.. Enumerable.Range(0, 50).Select(static i => new Arena<uint>($"jam-{i}", 0, 100, 1))];
        OpenedPage opened = await browser.OpenAsync(server.Address, 1_200, ColorScheme.Light);
        for (uint round = 1; round <= 5; round++)
        {
            Array.ForEach(arenas, static arena => arena.Allocate(10));
            await Assertions.Expect(opened.Page.Locator("[data-id='jam-49#1']")).ToContainTextAsync(
                string.Create(CultureInfo.InvariantCulture, $"in use {10 * round} of 100"));
        }

        Assert.Equal(50, await opened.Page.Locator("[data-id^='jam-']").CountAsync());
        Array.ForEach(arenas, static arena => arena.Dispose());
        await Eventually.HoldsAsync(async () => await opened.Page.Locator("[data-id^='jam-']").CountAsync() == 0);
        Assert.Empty(opened.Messages);
        await opened.Page.CloseAsync();
    }

    /// <summary>What was full before the page was opened is dark in its canvas, and rows go on below it.</summary>
    [Fact]
    public async Task A_page_that_is_opened_late_shows_what_was_before()
    {
        ManualTime time = new();
        await using PageServer server = await PageServer.StartAsync(options => options.TimeProvider = time);
        using Arena<uint> arena = new("late", 0, 64, 1);
        uint start = arena.Allocate(64);
        Advance(time, 3);
        arena.Free(start, 64);
        Advance(time, 2);
        OpenedPage opened = await browser.OpenAsync(server.Address, 1_200, ColorScheme.Light);
        await Eventually.HoldsAsync(async () => await LastRowsAsync(opened.Page, "late#1", 6) is [0, 255, 255, 255, 0, 0]);
        ILocator canvas = opened.Page.Locator("[data-id='late#1'] canvas");
        await Assertions.Expect(canvas).ToBeVisibleAsync();
        await Assertions.Expect(canvas).ToHaveAttributeAsync("aria-label", new Regex("over the last 1 min"));
        _ = arena.Allocate(64);
        await Eventually.HoldsAsync(
            async () => await LastRowsAsync(opened.Page, "late#1", 2) is [_, 255], () => time.Advance(TimeSpan.FromSeconds(1)));
        Assert.All(opened.Messages, static message => Assert.Contains("readback", message, StringComparison.Ordinal));   // it is the test's
        await opened.Page.CloseAsync();
    }

    /// <summary>The first two look-ups fail: once with an error, once in the middle of the answer. A row is an hour: none is lost while
    /// the clock is moved by a second for each look at a page that may be slow.</summary>
    [Fact]
    public async Task A_history_that_could_not_be_had_is_asked_for_again()
    {
        ManualTime time = new();
        TimeSpan hour = TimeSpan.FromHours(1);
        int asked = 0;
        await using PageServer server = await PageServer.StartAsync(
            options => (options.TimeProvider, options.HistoryStep) = (time, hour),
            build: builder => builder.Services.AddSingleton<IStartupFilter>(new Before(async (context, next) =>
            {
                if (!context.Request.Path.StartsWithSegments("/vmem/history") || ++asked > 2)
                {
                    await next(context);
                }
                else if (asked == 1)
                {
                    context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                }
                else
                {
                    await context.Response.WriteAsync("{\"row\":");
                }
            })));
        using Arena<uint> arena = new("again", 0, 64, 1);
        uint start = arena.Allocate(64);
        Advance(time, 3, hour);
        arena.Free(start, 64);
        OpenedPage opened = await browser.OpenAsync(server.Address, 1_200, ColorScheme.Light);
        await Eventually.HoldsAsync(
            async () => (await LastRowsAsync(opened.Page, "again#1", 120)).Count(static strength => strength == 255) == 3,
            () => time.Advance(TimeSpan.FromSeconds(1)));
        Assert.InRange(asked, 3, int.MaxValue);
        await opened.Page.CloseAsync();
    }

    [Fact]
    public async Task An_audit_that_could_not_be_had_is_not_said_to_be_empty()
    {
        await using PageServer server = await PageServer.StartAsync(
            static options => options.Interval = TimeSpan.FromMilliseconds(50),
            build: static builder => builder.Services.AddSingleton<IStartupFilter>(new Before(static (context, next) =>
            {
                context.Response.StatusCode = StatusCodes.Status500InternalServerError;
                return context.Request.Path.StartsWithSegments("/vmem/audit") ? Task.CompletedTask : Pass(context, next);
            })));
        using Arena<uint> arena = new("unaudited", 0, 64, 1, new ArenaOptions<uint> { Audit = true });
        _ = arena.Allocate(1);
        OpenedPage opened = await browser.OpenAsync(server.Address, 1_200, ColorScheme.Light);
        ILocator card = opened.Page.Locator("[data-id='unaudited#1']");
        await card.GetByRole(AriaRole.Button).ClickAsync();
        await Assertions.Expect(card).ToContainTextAsync("The process answered 500");
        await Assertions.Expect(card).Not.ToContainTextAsync("Nothing is held");
        await opened.Page.CloseAsync();
    }

    /// <summary>A browser gives events up for good when the answer is an error.</summary>
    [Fact]
    public async Task Events_that_were_refused_are_asked_for_again()
    {
        int asked = 0;
        await using PageServer server = await PageServer.StartAsync(
            static options => options.Interval = TimeSpan.FromMilliseconds(50),
            build: builder => builder.Services.AddSingleton<IStartupFilter>(new Before((context, next) =>
            {
                if (!context.Request.Path.StartsWithSegments("/vmem/events") || Interlocked.Increment(ref asked) > 1)
                {
                    return next(context);
                }

                context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
                return Task.CompletedTask;
            })));
        using Arena<uint> arena = new("refused", 0, 64, 1);
        OpenedPage opened = await browser.OpenAsync(server.Address, 1_200, ColorScheme.Light);
        await Assertions.Expect(opened.Page.Locator("[data-id='refused#1']")).ToContainTextAsync("in use 0 of 64");
        await opened.Page.CloseAsync();
    }

    private static Task Pass(HttpContext context, RequestDelegate next)
    {
        context.Response.StatusCode = StatusCodes.Status200OK;
        return next(context);
    }

    private sealed class Before(Func<HttpContext, RequestDelegate, Task> answer) : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            _ = app.Use(answer);
            next(app);
        };
    }

    private static void Advance(ManualTime time, int steps, TimeSpan? step = null)
    {
        for (int i = 0; i < steps; i++)
        {
            time.Advance(step ?? TimeSpan.FromSeconds(5));
        }
    }

    /// <summary>How strong the first column of a canvas is in its last rows; nothing before it is drawn.</summary>
    private static async Task<int[]> LastRowsAsync(IPage page, string id, int rows) => await page.EvaluateAsync<int[]>(
        """
        ([id, rows]) => {
            const canvas = document.querySelector(`[data-id='${id}'] canvas`);
            if (!canvas || canvas.hidden) return [];
            const image = canvas.getContext('2d').getImageData(0, canvas.height - rows, canvas.width, rows);
            return Array.from({ length: rows }, (_, row) => image.data[4 * row * canvas.width + 3]);
        }
        """,
        new object[] { id, rows });

    private static unsafe void FillSlabs(NativeHeap heap)
    {
        for (int i = 0; i < 2_000; i++)
        {
            _ = heap.Allocate(100);
        }
    }

    private static async Task SaveAsync(IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("VMEM_SCREENSHOTS") is { Length: > 0 } folder)
        {
            _ = await page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png"), FullPage = true });
        }
    }
}
