using System.Net;
using System.Security.Claims;
using System.Text.Encodings.Web;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Vmem.Memory;
using Vmem.Testing.Time;

namespace Vmem.AspNetCore.Tests.Pages;

/// <summary>What the live page tells, by HTTP.</summary>
public class PageTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Arenas_stand_below_those_they_import_from_with_figures_and_maps()
    {
        ManualTime time = new();
        await using PageServer server = await PageServer.StartAsync(options => options.TimeProvider = time);
        using Arena<ulong> upper = new("page-upper", 0, 64_000, 1_000);
        using Arena<ulong> lower = new("page-lower", 100,
            new ArenaOptions<ulong> { Source = upper, MinImport = 10_000, TimeProvider = time });
        ulong start = lower.Allocate(2_500);
        JsonElement below = await server.ArenaAsync("page-lower");
        JsonElement above = await server.ArenaAsync("page-upper");
        Assert.Equal(above.GetProperty("id").GetString(), below.GetProperty("parent").GetString());
        Assert.Equal((2_500, 10_000, 7_500), (Number(below, "inUse"), Number(below, "total"), Number(below, "largestFree")));
        Assert.Equal($"8888888888{new string('0', 54)}", above.GetProperty("map").GetString());
        Assert.Equal(64, below.GetProperty("map").GetString()!.Length);
        Assert.StartsWith("8888888888888888", below.GetProperty("map").GetString(), StringComparison.Ordinal);
        lower.Free(start, 2_500);
        Assert.Equal(2_500, Number(await server.ArenaAsync("page-lower"), "inUse"));     // a sample is for all who ask within an interval
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(0, Number(await server.ArenaAsync("page-lower"), "inUse"));
    }

    [Fact]
    public async Task Heaps_show_what_each_size_of_blocks_takes_and_wastes()
    {
        await using PageServer server = await PageServer.StartAsync();
        using NativeHeap heap = new(new NativeHeapOptions { Name = "page-heap" });
        Fill(heap, count: 2_000, size: 1_000);
        JsonElement seen = (await server.SampleAsync()).GetProperty("seldom").GetProperty("heaps").EnumerateArray()
            .Single(static each => each.GetProperty("name").GetString() == "page-heap");
        JsonElement one = Assert.Single(seen.GetProperty("classes").EnumerateArray());
        HeapSizeClass known = Assert.Single(heap.GetSizeClasses());
        Assert.Equal(((long)known.BlockSize, known.LiveBlocks), (Number(one, "size"), Number(one, "live")));
        Assert.Equal(((long)known.Held, (long)known.Unused), (Number(one, "held"), Number(one, "unused")));
        Assert.InRange(known.LiveBlocks, 1_900, 2_000);         // the first few lie in no slab
    }

    private static unsafe void Fill(NativeHeap heap, int count, nuint size)
    {
        for (int i = 0; i < count; i++)
        {
            _ = heap.Allocate(size);
        }
    }

    [Fact]
    public async Task Waiters_show_with_their_age()
    {
        ManualTime time = new();
        await using PageServer server = await PageServer.StartAsync(options => options.TimeProvider = time);
        using Arena<uint> arena = new("page-waited", 0, 10, 1, new ArenaOptions<uint> { TimeProvider = time });
        uint start = arena.Allocate(10);
        ValueTask<uint> wait = arena.AllocateAsync(7, Token);
        time.Advance(TimeSpan.FromSeconds(3));
        JsonElement figures = await server.ArenaAsync("page-waited");
        JsonElement waiter = Assert.Single(figures.GetProperty("waits").EnumerateArray());
        Assert.Equal((1, 7, 3), (Number(figures, "waiting"), Number(waiter, "size"), Number(waiter, "seconds")));
        arena.Free(start, 10);
        arena.Free(await wait, 7);
    }

    [Fact]
    public async Task Of_an_audited_arena_it_says_who_holds_the_most()
    {
        await using PageServer server = await PageServer.StartAsync();
        using Arena<uint> arena = new("page-audited", 0, 100, 1, new ArenaOptions<uint> { Audit = true });
        _ = arena.Allocate(30);
        using HttpResponseMessage answer = await server.Client.GetAsync(new Uri("/vmem/audit?arena=page-audited%231", UriKind.Relative), Token);
        using var groups = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Token));
        JsonElement group = Assert.Single(groups.RootElement.EnumerateArray());
        Assert.Equal(30, Number(group, "size"));
        string? stack = group.GetProperty("stack").GetString();
        Assert.Contains(nameof(Of_an_audited_arena_it_says_who_holds_the_most), stack, StringComparison.Ordinal);
        using HttpResponseMessage none = await server.Client.GetAsync(new Uri("/vmem/audit?arena=nothing", UriKind.Relative), Token);
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
    }

    /// <summary>A large arena is drawn over several samples, and no sample walks more than it may.</summary>
    [Fact]
    public async Task A_large_arena_is_drawn_a_part_at_a_time()
    {
        ManualTime time = new();
        await using PageServer server = await PageServer.StartAsync(options =>
            (options.TimeProvider, options.SegmentsEachTime) = (time, 5_000));
        using Arena<uint> arena = new("page-large", 0, 50_000, 1);
        for (int i = 0; i < 50_000; i++)
        {
            _ = arena.Allocate(1);
        }

        int samples = 0;
        await Eventually.HoldsAsync(async () => (await server.ArenaAsync("page-large")).TryGetProperty("map", out _), () =>
        {
            samples++;
            time.Advance(TimeSpan.FromSeconds(1));
        });
        Assert.InRange(samples, 9, int.MaxValue); // as many more as other tests' arenas take of the allowance
    }

    /// <summary>Many small arenas are drawn over several samples, too.</summary>
    [Fact]
    public async Task Many_small_arenas_share_the_allowance()
    {
        const int count = 60;
        ManualTime time = new();
        await using PageServer server = await PageServer.StartAsync(options =>
            (options.TimeProvider, options.SegmentsEachTime) = (time, 5_000));
        Arena<uint>[] arenas = [.. Enumerable.Range(0, count).Select(static i => new Arena<uint>($"page-small-{i}", 0, 300, 1))];
        foreach (Arena<uint> arena in arenas)
        {
            Assert.Equal(300, arena.TryAllocateMany(1, new uint[300]));
        }

        Assert.InRange(await DrawnAsync(), 0, 5_000 / 300);
        await Eventually.HoldsAsync(async () => await DrawnAsync() == count, () => time.Advance(TimeSpan.FromSeconds(1)));
        Array.ForEach(arenas, static arena => arena.Dispose());

        async Task<int> DrawnAsync() => (await server.SampleAsync()).GetProperty("arenas").EnumerateArray().Count(static arena =>
            arena.GetProperty("name").GetString()!.StartsWith("page-small-", StringComparison.Ordinal) && arena.TryGetProperty("map", out _));
    }

    /// <summary>A viewer that comes to look just before another has taken a sample gets that one.</summary>
    [Fact]
    public async Task Whoever_looks_within_an_interval_shares_a_sample()
    {
        HookedTime time = new();
        await using PageServer server = await PageServer.StartAsync(options =>
            (options.TimeProvider, options.HistoryStep) = (time, Timeout.InfiniteTimeSpan));
        using Arena<uint> arena = new("page-shared", 0, 100, 1);
        Assert.Equal(0, Number(await server.ArenaAsync("page-shared"), "inUse"));
        _ = arena.Allocate(1);
        time.Now += TimeSpan.FromSeconds(1);
        time.Looked = () =>
        {
            Assert.Equal(1, Number(server.ArenaAsync("page-shared").GetAwaiter().GetResult(), "inUse"));
            _ = arena.Allocate(10);
        };
        Assert.Equal(1, Number(await server.ArenaAsync("page-shared"), "inUse"));
        time.Now += TimeSpan.FromSeconds(1);
        Assert.Equal(11, Number(await server.ArenaAsync("page-shared"), "inUse"));
    }

    [Fact]
    public async Task Events_go_on_until_the_reader_goes()
    {
        await using PageServer server = await PageServer.StartAsync(static options => options.Interval = TimeSpan.FromMilliseconds(20));
        using Arena<uint> arena = new("page-events", 0, 100, 1);
        await using Stream stream = await server.Client.GetStreamAsync(new Uri("/vmem/events", UriKind.Relative), Token);
        using StreamReader reader = new(stream);
        long before = await NextAsync(reader);
        _ = arena.Allocate(42);
        await Eventually.HoldsAsync(async () => await NextAsync(reader) == before + 42);
    }

    [Fact]
    public async Task A_server_that_stops_does_not_wait_for_readers()
    {
        await using PageServer server = await PageServer.StartAsync(static options => options.Interval = TimeSpan.FromDays(1));
        await using Stream stream = await server.Client.GetStreamAsync(new Uri("/vmem/events", UriKind.Relative), Token);
        byte[] buffer = new byte[4096];
        _ = await stream.ReadAsync(buffer, Token);
        Task stopping = server.StopAsync();
        while (await stream.ReadAsync(buffer, Token) > 0)      // throws if the host had to abort it, after its 30 s
        {
        }

        await stopping;
    }

    [Fact]
    public async Task An_interval_that_no_timer_takes_is_refused()
    {
        ArgumentOutOfRangeException fault = await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => PageServer.StartAsync(
            static options => options.Interval = TimeSpan.FromDays(60)));
        Assert.Equal("Interval", fault.ParamName);
    }

    [Fact]
    public async Task The_page_allows_nothing_but_itself()
    {
        await using PageServer server = await PageServer.StartAsync();
        using HttpResponseMessage answer = await server.Client.GetAsync(new Uri("/vmem", UriKind.Relative), Token);
        string policy = Assert.Single(answer.Headers.GetValues("Content-Security-Policy"));
        Assert.StartsWith("default-src 'none'; connect-src 'self'; script-src 'sha256-", policy, StringComparison.Ordinal);
        string page = await answer.Content.ReadAsStringAsync(Token);
        Assert.DoesNotContain("http://", page, StringComparison.Ordinal);
        Assert.DoesNotContain("https://", page, StringComparison.Ordinal);
        Assert.DoesNotContain("innerHTML", page, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Production", null, HttpStatusCode.NotFound)]
    [InlineData("Production", true, HttpStatusCode.OK)]
    [InlineData("Development", null, HttpStatusCode.OK)]
    [InlineData("Development", false, HttpStatusCode.NotFound)]
    public async Task Outside_of_development_it_is_there_only_if_asked_for(string environment, bool? enabled, HttpStatusCode expected)
    {
        await using PageServer server = await PageServer.StartAsync(options => options.Enabled = enabled, environment);
        foreach (string path in (string[])["/vmem", "/vmem/json"])
        {
            using HttpResponseMessage answer = await server.Client.GetAsync(new Uri(path, UriKind.Relative), Token);
            Assert.Equal(expected, answer.StatusCode);
        }
    }

    [Fact]
    public async Task A_policy_guards_all_of_it()
    {
        await using PageServer server = await PageServer.StartAsync(policy: "operators", build: static builder =>
        {
            builder.Services.AddAuthentication("test").AddScheme<AuthenticationSchemeOptions, ByHeader>("test", null);
            builder.Services.AddAuthorizationBuilder().AddPolicy("operators", static policy => policy.RequireUserName("operator"));
        });
        foreach (string path in (string[])["/vmem", "/vmem/json", "/vmem/audit", "/vmem/events"])
        {
            using HttpResponseMessage nobody = await server.Client.GetAsync(new Uri(path, UriKind.Relative), Token);
            Assert.Equal(HttpStatusCode.Unauthorized, nobody.StatusCode);
        }

        using HttpRequestMessage request = new(HttpMethod.Get, "/vmem/json") { Headers = { { "X-User", "operator" } } };
        using HttpResponseMessage answer = await server.Client.SendAsync(request, Token);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private static long Number(JsonElement element, string name) => (long)element.GetProperty(name).GetDouble();

    private static async Task<long> NextAsync(StreamReader reader)
    {
        while (await reader.ReadLineAsync(Token) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
            {
                using var sample = JsonDocument.Parse(line["data: ".Length..]);
                return Number(sample.RootElement.GetProperty("arenas").EnumerateArray()
                    .Single(static arena => arena.GetProperty("name").GetString() == "page-events"), "inUse");
            }
        }

        throw new EndOfStreamException();
    }

    /// <summary>A clock at which something happens, once, when somebody looks at it.</summary>
    private sealed class HookedTime : TimeProvider
    {
        private Action? _looked;

        public TimeSpan Now { get; set; } = TimeSpan.FromDays(1);

        public Action? Looked { set => Volatile.Write(ref _looked, value); }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp()
        {
            Interlocked.Exchange(ref _looked, null)?.Invoke();
            return Now.Ticks;
        }
    }

    private sealed class ByHeader(IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logger, UrlEncoder encoder)
        : AuthenticationHandler<AuthenticationSchemeOptions>(options, logger, encoder)
    {
        protected override Task<AuthenticateResult> HandleAuthenticateAsync()
        {
            string user = Request.Headers["X-User"].ToString();
            return Task.FromResult(user.Length == 0
                ? AuthenticateResult.NoResult()
                : AuthenticateResult.Success(new AuthenticationTicket(
                    new ClaimsPrincipal(new ClaimsIdentity([new Claim(ClaimTypes.Name, user)], "test")), "test")));
        }
    }
}
