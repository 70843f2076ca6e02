using Npgsql;
using Vmem.Leasing.PostgreSql.Tests.Server;
using Vmem.Testing.Time;

namespace Vmem.Leasing.PostgreSql.Tests;

/// <summary>How long a connection is kept, by a clock that stands still. What goes back to the pool is reset, so its mark is
/// gone.</summary>
public sealed class KeptConnectionTimeTests(PostgresServer server) : IClassFixture<PostgresServer>
{
    private readonly ManualTime _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(99, true)]
    [InlineData(100, false)]
    public async Task Nobody_takes_it_for_a_tenth_of_a_second(int milliseconds, bool isKept)
    {
        await using NpgsqlDataSource source = server.Connect();
        await using KeptConnection connections = new(source, _time);
        await MarkAsync(connections);
        Advance(milliseconds);
        Assert.Equal(isKept, await IsMarkedAsync(connections));
    }

    /// <summary>The time without use counts from the last call.</summary>
    [Fact]
    public async Task Each_call_keeps_it_until_it_is_a_second_old()
    {
        await using NpgsqlDataSource source = server.Connect();
        await using KeptConnection connections = new(source, _time);
        await MarkAsync(connections);
        for (int i = 0; i < 11; i++)
        {
            Advance(90);
            Assert.True(await IsMarkedAsync(connections));
        }

        Advance(9);
        Assert.True(await IsMarkedAsync(connections));
        Advance(1);
        Assert.False(await IsMarkedAsync(connections));
    }

    [Theory]
    [InlineData(999, true)]
    [InlineData(1000, false)]
    public async Task A_call_in_which_it_grows_a_second_old_gives_it_back(int milliseconds, bool isKept)
    {
        await using NpgsqlDataSource source = server.Connect();
        await using KeptConnection connections = new(source, _time);
        await MarkAsync(connections, during: () => Advance(milliseconds));
        Assert.Equal(isKept, await IsMarkedAsync(connections));
    }

    /// <summary>The connection is the kept one of a call that was good.</summary>
    [Fact]
    public async Task A_call_that_fails_after_a_good_one_gives_it_back()
    {
        await using NpgsqlDataSource source = server.Connect();
        await using KeptConnection connections = new(source, _time);
        await MarkAsync(connections);
        await using (await connections.RentAsync(Token))
        {
        }

        Assert.False(await IsMarkedAsync(connections));
    }

    [Fact]
    public async Task Its_end_gives_it_back_and_a_later_call_leaves_none()
    {
        await using NpgsqlDataSource source = server.Connect();
        KeptConnection connections = new(source, _time);
        await MarkAsync(connections);
        await connections.DisposeAsync();
        Assert.Equal(0, _time.Timers);
        Assert.False(await IsMarkedAsync(connections));
        await MarkAsync(connections);
        Assert.False(await IsMarkedAsync(connections));
    }

    [Fact]
    public async Task A_call_that_outlives_the_end_leaves_none()
    {
        await using NpgsqlDataSource source = server.Connect();
        KeptConnection connections = new(source, _time);
        await using (KeptConnection.Rented rented = await RentMarkedAsync(connections))
        {
            await connections.DisposeAsync();
            rented.IsGood = true;
        }

        Assert.False(await IsMarkedAsync(connections));
    }

    /// <summary>Of two that are in use one is kept.</summary>
    [Fact]
    public async Task The_second_of_two_goes_back()
    {
        await using NpgsqlDataSource source = server.Connect();
        await using KeptConnection connections = new(source, _time);
        KeptConnection.Rented first = await RentMarkedAsync(connections);
        KeptConnection.Rented second = await connections.RentAsync(Token);
        (first.IsGood, second.IsGood) = (true, true);
        await first.DisposeAsync();
        await second.DisposeAsync();
        Assert.True(await IsMarkedAsync(connections));
    }

    private void Advance(int milliseconds) => _time.Advance(TimeSpan.FromMilliseconds(milliseconds));

    private static async Task MarkAsync(KeptConnection connections, Action? during = null)
    {
        await using KeptConnection.Rented rented = await RentMarkedAsync(connections);
        during?.Invoke();
        rented.IsGood = true;
    }

    private static async Task<KeptConnection.Rented> RentMarkedAsync(KeptConnection connections)
    {
        KeptConnection.Rented rented = await connections.RentAsync(Token);
        await using NpgsqlCommand mark = new("SELECT set_config('test.mark', 'left', false)", rented.Connection);
        await mark.ExecuteNonQueryAsync(Token);
        return rented;
    }

    private static async Task<bool> IsMarkedAsync(KeptConnection connections)
    {
        await using KeptConnection.Rented rented = await connections.RentAsync(Token);
        await using NpgsqlCommand look = new("SELECT coalesce(current_setting('test.mark', true), '') = 'left'", rented.Connection);
        bool isMarked = (bool)(await look.ExecuteScalarAsync(Token))!;
        rented.IsGood = true;
        return isMarked;
    }
}
