using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Vmem.AspNetCore.Tests.Pages;

/// <summary>A server that has the live page.</summary>
internal sealed class PageServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private PageServer(WebApplication app)
    {
        _app = app;
        Client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
    }

    public HttpClient Client { get; }

    public string Address => _app.Urls.Single() + "/vmem";

    /// <summary>Starts one. It draws all arenas at each time, unless it is told otherwise: else all tests would share what one may
    /// walk.</summary>
    public static async Task<PageServer> StartAsync(Action<VmemPageOptions>? configure = null, string environment = "Development",
        Action<WebApplicationBuilder>? build = null, string? policy = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(static options => options.Listen(IPAddress.Loopback, 0));
        builder.Services.AddRoutingCore();
        build?.Invoke(builder);
        WebApplication app = builder.Build();
        IEndpointConventionBuilder page = app.MapVmem(configure: options =>
        {
            options.SegmentsEachTime = int.MaxValue;
            configure?.Invoke(options);
        });
        if (policy is not null)
        {
            app.UseAuthentication();
            app.UseAuthorization();
            _ = page.RequireAuthorization(policy);
        }

        await app.StartAsync(TestContext.Current.CancellationToken);
        return new PageServer(app);
    }

    /// <summary>What the page knows now.</summary>
    public async Task<JsonElement> SampleAsync()
    {
        Uri json = new("/vmem/json", UriKind.Relative);
        await using Stream stream = await Client.GetStreamAsync(json, TestContext.Current.CancellationToken);
        using JsonDocument document = await JsonDocument.ParseAsync(stream);
        return document.RootElement.Clone();
    }

    /// <summary>Calls what answers at a path, as for a reader who may have gone.</summary>
    public async Task CallAsync(string path, CancellationToken aborted)
    {
        RequestDelegate answer = _app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Single(endpoint => endpoint.RoutePattern.RawText == path).RequestDelegate!;
        await answer(new DefaultHttpContext { RequestAborted = aborted });
    }

    public async Task<JsonElement> ArenaAsync(string name) =>
        (await SampleAsync()).GetProperty("arenas").EnumerateArray().Single(arena => arena.GetProperty("name").GetString() == name);

    public Task StopAsync() => _app.StopAsync(TestContext.Current.CancellationToken);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }
}
