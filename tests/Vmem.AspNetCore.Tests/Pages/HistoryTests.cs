using System.Runtime.CompilerServices;
using System.Text.Json;
using Vmem.Testing.Time;

namespace Vmem.AspNetCore.Tests.Pages;

/// <summary>The maps of the last minutes, which are kept whether anybody looks or not.</summary>
public class HistoryTests
{
    private static readonly TimeSpan s_step = TimeSpan.FromSeconds(5);
    private static readonly string s_full = new('8', 64);
    private static readonly string s_free = new('0', 64);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Whoever_comes_late_sees_what_was_before()
    {
        ManualTime time = new();
        await using PageServer server = await PageServer.StartAsync(options => options.TimeProvider = time);
        Advance(time, 2);
        using Arena<uint> arena = new("history-late", 0, 64, 1);
        uint start = arena.Allocate(64);
        Advance(time, 3);
        arena.Free(start, 64);
        Advance(time, 2);
        JsonElement history = await HistoryAsync(server);
        Assert.Equal(7, history.GetProperty("row").GetInt32());
        Assert.Equal([30, 25, 20, 15, 10, 5, 0], history.GetProperty("secondsAgo").EnumerateArray().Select(static ago => ago.GetDouble()));
        Assert.Equal([s_full, s_full, s_full, s_free, s_free], RowsOf(history, "history-late"));
    }

    [Fact]
    public async Task The_last_rows_are_kept()
    {
        ManualTime time = new();
        await using PageServer server = await PageServer.StartAsync(options => options.TimeProvider = time);
        using Arena<uint> arena = new("history-long", 0, 64, 1);
        for (int row = 0; row < 130; row++)
        {
            if (row == 64)
            {
                Assert.Equal(64, RowsOf(await HistoryAsync(server), "history-long").Length);
            }

            _ = row < 64 ? arena.Allocate(1) : 0;
            Advance(time, 1);
        }

        string[] rows = RowsOf(await HistoryAsync(server), "history-long");
        Assert.Equal(120, rows.Length);
        Assert.Equal(120, (await HistoryAsync(server)).GetProperty("secondsAgo").GetArrayLength());
        for (int row = 0; row < rows.Length; row++)
        {
            Assert.Equal(Math.Min(64, row + 11), rows[row].Count(static digit => digit == '8'));
        }
    }

    /// <summary>A row is what the viewer was just shown, and he is told its number.</summary>
    [Fact]
    public async Task While_somebody_looks_his_samples_are_the_rows()
    {
        ManualTime time = new();
        await using PageServer server = await PageServer.StartAsync(options => options.TimeProvider = time);
        using Arena<uint> arena = new("history-seen", 0, 64, 1);
        List<string> shown = [];
        for (int sample = 0; sample < 21; sample++)
        {
            _ = arena.Allocate(1);
            JsonElement seen = await server.SampleAsync();
            if (seen.GetProperty("row").GetInt32() > shown.Count)
            {
                JsonElement card = seen.GetProperty("arenas").EnumerateArray()
                    .Single(static each => each.GetProperty("name").GetString() == "history-seen");
                shown.Add(card.GetProperty("map").GetString()!);
            }

            time.Advance(TimeSpan.FromSeconds(0.95));             // so that he comes before the clock
        }

        Assert.Equal(5, shown.Count);
        Assert.Equal(shown, RowsOf(await HistoryAsync(server), "history-seen"));
    }

    [Fact]
    public async Task Whoever_looks_seldom_costs_no_rows()
    {
        ManualTime time = new();
        await using PageServer server = await PageServer.StartAsync(
            options => (options.TimeProvider, options.Interval) = (time, TimeSpan.FromSeconds(20)));
        for (int look = 0; look < 3; look++)
        {
            Assert.Equal(1 + (4 * look), (await server.SampleAsync()).GetProperty("row").GetInt32());
            Advance(time, 4);
        }

        Assert.Equal(13, (await HistoryAsync(server)).GetProperty("row").GetInt32());
    }

    /// <summary>It may be megabytes. With another row it is another.</summary>
    [Fact]
    public async Task Whoever_asks_within_a_moment_gets_the_same()
    {
        ManualTime time = new();
        await using PageServer server = await PageServer.StartAsync(
            options => (options.TimeProvider, options.HistoryStep) = (time, TimeSpan.FromSeconds(2.5)));
        time.Advance(TimeSpan.FromSeconds(2.5));
        List<double[]> seen = [];
        for (int look = 0; look < 6; look++)
        {
            seen.Add([.. (await HistoryAsync(server)).GetProperty("secondsAgo").EnumerateArray().Select(static ago => ago.GetDouble())]);
            time.Advance(TimeSpan.FromSeconds(0.5));
        }

        Assert.Equal([[0], [0], [1], [1], [2], [2.5, 0]], seen);
    }

    /// <summary>Whoever writes something looks at the clock.</summary>
    [Theory]
    [InlineData("/vmem/history")]
    [InlineData("/vmem/json")]
    public async Task What_nobody_wants_any_more_is_not_written(string path)
    {
        SlowTime time = new();
        await using PageServer server = await PageServer.StartAsync(options => options.TimeProvider = time);
        long looks = time.Looks;
        await server.CallAsync(path, new CancellationToken(canceled: true));
        Assert.Equal(looks, time.Looks);
        await server.CallAsync(path, CancellationToken.None);
        Assert.InRange(time.Looks, looks + 1, long.MaxValue);
    }

    [Fact]
    public async Task Arenas_are_not_kept_for_it()
    {
        ManualTime time = new();
        await using PageServer server = await PageServer.StartAsync(options => options.TimeProvider = time);
        WeakReference dropped = Drop(time);
        using (new Arena<uint>("history-disposed", 0, 64, 1))
        {
            Advance(time, 2);
            Assert.Equal(2, RowsOf(await HistoryAsync(server), "history-disposed").Length);
        }

        Advance(time, 1);
        Assert.Empty(RowsOf(await HistoryAsync(server), "history-disposed"));
        await Eventually.HoldsAsync(() => !dropped.IsAlive, GC.Collect);
    }

    /// <summary>4,194,304 bytes are 120 rows of 8 arenas of 4,096 columns, with four bytes more a row.</summary>
    [Fact]
    public async Task There_are_as_many_arenas_as_fit()
    {
        ManualTime time = new();
        await using PageServer server = await PageServer.StartAsync(options => (options.TimeProvider, options.Columns) = (time, 4_096));
        Arena<uint>[] arenas = [.. Enumerable.Range(0, 12).Select(static i => new Arena<uint>($"history-many-{i}", 0, 10_000, 1))];
        Advance(time, 3);
        int some = (await HistoryAsync(server)).GetProperty("arenas").GetArrayLength();
        Array.ForEach(arenas, static arena => arena.Dispose());
        Assert.InRange(some, 1, 8);
        using Arena<uint> next = new("history-many-more", 0, 10_000, 1);
        await Eventually.HoldsAsync(async () => RowsOf(await HistoryAsync(server), "history-many-more").Length > 0, () => Advance(time, 1));
    }

    [Theory]
    [InlineData("Development", true, 1)]
    [InlineData("Development", false, 0)]
    [InlineData("Production", true, 0)]
    public async Task Only_a_page_that_is_there_and_keeps_one_has_a_clock(string environment, bool isKept, int timers)
    {
        ManualTime time = new();
        await using (PageServer server = await PageServer.StartAsync(
            options => (options.TimeProvider, options.HistoryStep) = (time, isKept ? s_step : Timeout.InfiniteTimeSpan), environment))
        {
            Assert.Equal(timers, time.Timers);
            if (environment == "Development")
            {
                _ = await server.SampleAsync();
                Assert.Equal(isKept ? 1 : 0, (await HistoryAsync(server)).GetProperty("row").GetInt32());
            }
        }

        Assert.Equal(0, time.Timers);
    }

    [Fact]
    public async Task What_takes_long_comes_seldom()
    {
        SlowTime time = new();
        await using PageServer server = await PageServer.StartAsync(options => options.TimeProvider = time);
        time.Fire();
        Assert.Equal(1, (await HistoryAsync(server)).GetProperty("row").GetInt32());
        Assert.Equal(s_step, time.Dues[0]);
        Assert.Equal(TimeSpan.FromMinutes(1), time.Dues[1]);      // it took a second at least; there is no longer pause
    }

    [Fact]
    public async Task A_clock_that_cannot_be_set_ends_the_history_alone()
    {
        SlowTime time = new();
        await using PageServer server = await PageServer.StartAsync(options => options.TimeProvider = time);
        time.IsBroken = true;
        time.Fire();
        Assert.Equal(1, (await server.SampleAsync()).GetProperty("row").GetInt32());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    [InlineData(90_000)]
    public async Task A_step_of_no_time_or_of_more_than_a_day_is_refused(int seconds) =>
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() =>
            PageServer.StartAsync(options => options.HistoryStep = TimeSpan.FromSeconds(seconds)));

    private static void Advance(ManualTime time, int steps)
    {
        for (int step = 0; step < steps; step++)
        {
            time.Advance(s_step);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Drop(ManualTime time)
    {
        Arena<uint> arena = new("history-dropped", 0, 64, 1);
        Advance(time, 2);
        return new WeakReference(arena);
    }

    private static async Task<JsonElement> HistoryAsync(PageServer server)
    {
        await using Stream stream = await server.Client.GetStreamAsync(new Uri("/vmem/history", UriKind.Relative), Token);
        using JsonDocument document = await JsonDocument.ParseAsync(stream);
        return document.RootElement.Clone();
    }

    private static string[] RowsOf(JsonElement history, string name) =>
    [
        .. history.GetProperty("arenas").EnumerateArray()
            .Where(arena => arena.GetProperty("id").GetString() == name + "#1")
            .SelectMany(static arena => arena.GetProperty("rows").EnumerateArray())
            .Select(static row => row.GetString()!),
    ];

    /// <summary>A clock by which a second passes between two looks at it. Its timer falls due when the test says so.</summary>
    private sealed class SlowTime : TimeProvider, ITimer
    {
        private long _looks;
        private TimerCallback? _callback;
        private object? _state;

        public long Looks => Interlocked.Read(ref _looks);

        /// <summary>Whether its timer cannot be set.</summary>
        public bool IsBroken { get; set; }

        public List<TimeSpan> Dues { get; } = [];

        public override long TimestampFrequency => 1;

        public override long GetTimestamp() => Interlocked.Increment(ref _looks);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            (_callback, _state) = (callback, state);
            return this;
        }

        public void Fire() => _callback!(_state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            ArgumentOutOfRangeException.ThrowIfEqual(IsBroken, true);
            Dues.Add(dueTime);
            return true;
        }

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
