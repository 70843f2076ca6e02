namespace Vmem.Net.Tests.Ports;

/// <summary>Ports by key above a source that is given out in blocks.</summary>
public sealed class KeyQuantumTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>The block of another key lies above, with free ports: it must not be taken for the next free port.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(16)]
    public async Task Each_key_has_its_preferred_port_while_that_is_free(ushort quantum)
    {
        using Arena<ushort> below = new("below", 4992, 1008, quantum);
        using var pool = new PortPool("ports", 4992, 1008, new() { Source = below, IsInUse = _ => false });
        string[] keys = [.. Enumerable.Range(0, 32).Select(static i => $"key{i}").DistinctBy(key => pool.PreferredPort(key))
            .OrderByDescending(key => pool.PreferredPort(key))];
        Assert.True(keys.Length > 8);
        foreach (string key in keys)
        {
            Assert.Equal(pool.PreferredPort(key), await pool.AllocateAsync(key, cancellationToken: Token));
        }

        int first = await pool.AllocateAsync(keys[0], cancellationToken: Token);
        Assert.NotEqual(pool.PreferredPort(keys[0]), first);
        pool.Arena.Validate();
    }
}
