// A web application over Vmem, to be looked at while it runs: open the page that it names.
//
// Kestrel has a pool with a limit. The tickets' arena and the pool of buffers are made by the host, by name, from the configuration. A
// visitor takes tickets, and one in ten is never given back. The live page shows the tickets grow fewer, and whose fault it is. The health
// turns when none is left, after a quarter of an hour. When the application ends (Ctrl+C), the host logs what was lost, with the stack.

using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Vmem;
using Vmem.AspNetCore;
using Vmem.Extensions.Hosting;

// The live page is there in Development only, unless it is enabled.
WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(
    new WebApplicationOptions { Args = args, EnvironmentName = "Development", ContentRootPath = AppContext.BaseDirectory });
builder.Logging.SetMinimumLevel(LogLevel.Warning);
builder.WebHost.UseVmemPool(limit: 64 << 20);
builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
{
    ["Vmem:Arenas:tickets:Start"] = "1",
    ["Vmem:Arenas:tickets:Size"] = "1000",
    ["Vmem:Arenas:tickets:Audit"] = "true",
    ["Vmem:Pools:buffers:Limit"] = "16777216",
});
builder.Services.AddVmem(builder.Configuration.GetSection("Vmem"));
builder.Services.AddHealthChecks().AddVmem(static health => health.Arenas.Add("tickets"));

await using WebApplication app = builder.Build();
app.MapVmem();
app.MapHealthChecks("/health");
int taken = 0;
app.MapGet("/take", async context =>
{
    Arena<ulong> tickets = context.RequestServices.GetRequiredKeyedService<Arena<ulong>>("tickets");
    if (!tickets.TryAllocate(1, out ulong ticket))
    {
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return;
    }

    using (IMemoryOwner<byte> buffer = context.RequestServices.GetRequiredKeyedService<MemoryPool<byte>>("buffers").Rent(20_000))
    {
        ticket.TryFormat(buffer.Memory.Span, out int written, provider: CultureInfo.InvariantCulture);
        await context.Response.Body.WriteAsync(buffer.Memory[..written]);
    }

    if (Interlocked.Increment(ref taken) % 10 != 0)             // else it is lost: the leak to be seen
    {
        tickets.Free(ticket, 1);
    }
});

await app.StartAsync();
string address = app.Urls.First();
Console.WriteLine($"The live page: {address}/vmem   A ticket: {address}/take   Health: {address}/health");
if (builder.Configuration["visitor"] != "none")
{
    _ = VisitAsync(new Uri($"{address}/take"), app.Lifetime.ApplicationStopping);
}

await app.WaitForShutdownAsync();

static async Task VisitAsync(Uri take, CancellationToken stopping)
{
    using HttpClient client = new();
    using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(100));
    while (await timer.WaitForNextTickAsync(stopping))
    {
        using HttpResponseMessage response = await client.GetAsync(take, stopping);   // refused when no ticket is left
    }
}
