using System.Buffers;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Logging;
using Vmem.Memory;

namespace Vmem.Extensions.Hosting.Tests;

/// <summary>Settings that make no sense are refused when they are added, and the message says where they stand.</summary>
public class WrongSettingsTests
{
    [Theory]
    [InlineData("Vmem:Heaps:scratch", "1048576", "Vmem:Heaps:scratch = '1048576'")]
    [InlineData("Vmem:Pools:buffers", "1048576", "Vmem:Pools:buffers = '1048576'")]
    [InlineData("Vmem:Arenas", "ids", "Vmem:Arenas = 'ids'")]
    [InlineData("Vmem", "on", "Vmem = 'on'")]
    [InlineData("Vmem:Pools:buffers:Heap:Name", "frames", "Vmem:Pools:buffers:Heap has keys below it")]
    [InlineData("Vmem:SlowWait", "10", "a time, such as 00:00:10")]
    [InlineData("Vmem:WatchInterval", "60.00:00:00", "WatchInterval")]
    [InlineData("Vmem:Pools:buffers:Limit", "100000", "Pool 'buffers' has a limit of 100000 bytes, less than a slab")]
    public void Of_a_configuration(string key, string value, string expected)
    {
        IConfiguration configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { [key] = value }).Build();
        Exception fault = Assert.ThrowsAny<Exception>(() => new ServiceCollection().AddVmem(configuration.GetSection("Vmem")));
        Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0, 10, 3)]
    [InlineData(1, 9, 3)]
    public void An_arena_of_broken_units_is_refused_by_name(ulong start, ulong size, ulong quantum)
    {
        ArgumentException fault = Assert.Throws<ArgumentException>(() => new ServiceCollection().AddVmem(
            options => options.Arenas["ids"] = new ArenaSettings { Start = start, Size = size, Quantum = quantum }));
        Assert.Contains("Arena 'ids'", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(FitPolicy.NextFit, 1UL)]
    [InlineData(FitPolicy.InstantFit, 65UL)]
    [InlineData((FitPolicy)99, 0UL)]
    public void An_arena_that_cannot_be_made_is_refused_by_name(FitPolicy policy, ulong cached)
    {
        ArgumentException fault = Assert.Throws<ArgumentException>(() => new ServiceCollection().AddVmem(
            options => options.Arenas["ids"] = new ArenaSettings { Size = 100, Policy = policy, QuantumCacheMax = cached }));
        Assert.StartsWith("Arena 'ids': ", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ids")]
    [InlineData("IDS")]
    public void A_name_that_an_earlier_call_took_is_refused(string name)
    {
        AssertRefused(options => options.Arenas[name] = new ArenaSettings { Size = 1 });
        AssertRefused(options => options.Heaps[name] = new HeapSettings());
        AssertRefused(options => options.Pools[name] = new PoolSettings());

        void AssertRefused(Action<VmemHostingOptions> again)
        {
            IServiceCollection services = new ServiceCollection().AddVmem(static options =>
            {
                options.Arenas["ids"] = new ArenaSettings { Size = 1 };
                options.Heaps["ids"] = new HeapSettings();
                options.Pools["ids"] = new PoolSettings();
            });
            ArgumentException fault = Assert.Throws<ArgumentException>(() => services.AddVmem(again));
            Assert.Contains($"'{name}' twice", fault.Message, StringComparison.Ordinal);
        }
    }

    /// <summary>Keys of a configuration ignore case, so the program may spell a name otherwise: it changes what is there.</summary>
    [Fact]
    public void Names_ignore_case_within_a_call()
    {
        IConfiguration configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["Arenas:ids:Size"] = "10",
            ["Heaps:frames:Limit"] = "16777216",
            ["Pools:blocks:Heap"] = "FRAMES",
        }).Build();
        ServiceCollection services = [];
        services.AddSingleton<ILoggerFactory>(NullLoggerFactory.Instance).AddSingleton(typeof(ILogger<>), typeof(NullLogger<>));
        services.AddVmem(configuration, static options => options.Arenas["IDS"].Size = 20);
        using ServiceProvider provider = services.BuildServiceProvider();
        Assert.Equal(20ul, provider.GetRequiredKeyedService<Arena<ulong>>("ids").GetStatistics().TotalSize);
        using IMemoryOwner<byte> block = provider.GetRequiredKeyedService<MemoryPool<byte>>("blocks").Rent(100);
        Assert.Equal(1, provider.GetRequiredKeyedService<NativeHeap>("frames").GetStatistics().LiveBlocks);
    }
}
