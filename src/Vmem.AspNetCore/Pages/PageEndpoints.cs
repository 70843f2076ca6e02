using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;

namespace Vmem.AspNetCore.Pages;

/// <summary>What is answered below the page's path.</summary>
/// <remarks>The page is one file without anything from elsewhere. Its policy allows its own script and style, by their hashes, and nothing
/// else: a name of an arena, which may come from anywhere, runs nothing.</remarks>
internal sealed partial class PageEndpoints
{
    private const int MostGroups = 20;            // of an audit; arbitrary: a screen

    private static readonly byte[] s_page = ReadPage();
    private static readonly string s_policy = PolicyOf(Encoding.UTF8.GetString(s_page));

    private readonly VmemPageOptions _options;
    private readonly CancellationToken _stopping;
    private readonly Sampler _sampler;

    /// <param name="options">The page's.</param>
    /// <param name="stopping">The server stops.</param>
    public PageEndpoints(VmemPageOptions options, CancellationToken stopping)
    {
        (_options, _stopping) = (options, stopping);
        _sampler = new Sampler(options);
        HistoryClock.Start(_sampler, options, stopping);
    }

    public static async Task SendPageAsync(HttpContext context)
    {
        context.Response.ContentType = "text/html; charset=utf-8";
        context.Response.Headers.ContentSecurityPolicy = s_policy;
        context.Response.Headers.CacheControl = "no-store";
        context.Response.ContentLength = s_page.Length;
        await context.Response.Body.WriteAsync(s_page, context.RequestAborted).ConfigureAwait(false);
    }

    public Task SendJsonAsync(HttpContext context) => SendJsonAsync(context, _sampler.SampleAsync(context.RequestAborted));

    /// <summary>What the maps looked like over the last minutes.</summary>
    public Task SendHistoryAsync(HttpContext context) => SendJsonAsync(context, _sampler.WriteHistoryAsync(context.RequestAborted));

    /// <summary>A sample at each interval, until the reader or the server ends.</summary>
    public async Task SendEventsAsync(HttpContext context)
    {
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, _stopping);
        context.Response.ContentType = "text/event-stream";
        context.Response.Headers.CacheControl = "no-store";
        try
        {
            while (!end.IsCancellationRequested)
            {
                ReadOnlyMemory<byte> sample = await _sampler.SampleAsync(end.Token).ConfigureAwait(false);
                await context.Response.Body.WriteAsync("data: "u8.ToArray(), end.Token).ConfigureAwait(false);
                await context.Response.Body.WriteAsync(sample, end.Token).ConfigureAwait(false);
                await context.Response.Body.WriteAsync("\n\n"u8.ToArray(), end.Token).ConfigureAwait(false);
                await context.Response.Body.FlushAsync(end.Token).ConfigureAwait(false);
                await Task.Delay(_options.Interval, _options.TimeProvider, end.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The reader has gone, or the server stops.
        }
    }

    /// <summary>Who holds the most of an audited arena. O(live ranges), so only when asked.</summary>
    public static async Task SendAuditAsync(HttpContext context)
    {
        string id = context.Request.Query["arena"].ToString();
        AuditReport<UInt128>? report = VmemProcess.Arenas.FirstOrDefault(arena => SampleWriter.IdOf(arena) == id)?.GetAuditReport();
        if (report is null)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        using MemoryStream buffer = new();
        using (Utf8JsonWriter json = new(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.Default }))
        {
            json.WriteStartArray();
            foreach (AuditGroup<UInt128> group in report.Groups.Take(MostGroups))
            {
                json.WriteStartObject();
                json.WriteString("stack", group.Stack);
                json.WriteNumber("ranges", group.Ranges);
                json.WritePropertyName("size");
                json.WriteRawValue(group.Size.ToString(CultureInfo.InvariantCulture));
                json.WriteNumber("oldestSeconds", (long)group.OldestAge.TotalSeconds);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        await SendJsonAsync(context, buffer.ToArray()).ConfigureAwait(false);
    }

    private static async Task SendJsonAsync(HttpContext context, Task<ReadOnlyMemory<byte>> json)
    {
        try
        {
            await SendJsonAsync(context, await json.ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The reader has gone.
        }
    }

    private static async Task SendJsonAsync(HttpContext context, ReadOnlyMemory<byte> json)
    {
        context.Response.ContentType = "application/json";
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.Body.WriteAsync(json, context.RequestAborted).ConfigureAwait(false);
    }

    private static byte[] ReadPage()
    {
        using Stream stream = typeof(PageEndpoints).Assembly.GetManifestResourceStream("Vmem.AspNetCore.Pages.page.html")!;
        using StreamReader reader = new(stream);
        return Encoding.UTF8.GetBytes(reader.ReadToEnd().ReplaceLineEndings("\n"));      // browsers hash scripts so, whatever was checked out
    }

    private static string PolicyOf(string page)
    {
        string HashOf(Regex part) => Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(part.Match(page).Groups[1].Value)));
        return $"default-src 'none'; connect-src 'self'; script-src 'sha256-{HashOf(Script())}'; style-src 'sha256-{HashOf(Style())}'; "
            + "base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
    }

    [GeneratedRegex("<script>(.*?)</script>", RegexOptions.Singleline)]
    private static partial Regex Script();

    [GeneratedRegex("<style>(.*?)</style>", RegexOptions.Singleline)]
    private static partial Regex Style();
}
