using System.Globalization;
using Microsoft.Extensions.Configuration;

namespace Vmem.Extensions.Hosting;

/// <summary>Reads the options from a configuration, and says of what is wrong where it stands.</summary>
/// <remarks>Rejected: the configuration's binder. It passes over keys that nobody knows, so that a limit with a slip of the pen would be
/// none.</remarks>
internal static class SettingsReader
{
    public static void Read(IConfiguration configuration, VmemHostingOptions options)
    {
        if (configuration is IConfigurationSection root)
        {
            CheckSection(root);
        }

        foreach (IConfigurationSection section in configuration.GetChildren())
        {
            switch (section.Key.ToUpperInvariant())
            {
                case "ARENAS":
                    Each(section, options.Arenas, ReadArena);
                    break;
                case "HEAPS":
                    Each(section, options.Heaps, ReadHeap);
                    break;
                case "POOLS":
                    Each(section, options.Pools, ReadPool);
                    break;
                case "WATCHINTERVAL":
                    options.WatchInterval = Time(section);
                    break;
                case "SLOWWAIT":
                    options.SlowWait = Time(section);
                    break;
                default:
                    throw Unknown(section);
            }
        }
    }

    private static void Each<T>(IConfigurationSection section, IDictionary<string, T> settings, Action<T, IConfigurationSection> read)
        where T : new()
    {
        CheckSection(section);
        foreach (IConfigurationSection named in section.GetChildren())
        {
            CheckSection(named);
            if (!settings.TryGetValue(named.Key, out T? one))
            {
                settings.Add(named.Key, one = new T());
            }

            foreach (IConfigurationSection value in named.GetChildren())
            {
                CheckValue(value);
                read(one, value);
            }
        }
    }

    private static void CheckSection(IConfigurationSection section)
    {
        if (!string.IsNullOrEmpty(section.Value))
        {
            throw Wrong(section, "a section with keys of its own");
        }
    }

    private static void CheckValue(IConfigurationSection value)
    {
        if (value.GetChildren().Any())
        {
            throw new InvalidOperationException($"The configuration's {value.Path} has keys below it, and what is wanted there is one value.");
        }
    }

    private static void ReadArena(ArenaSettings arena, IConfigurationSection value)
    {
        switch (value.Key.ToUpperInvariant())
        {
            case "START":
                arena.Start = Number(value);
                break;
            case "SIZE":
                arena.Size = Number(value);
                break;
            case "QUANTUM":
                arena.Quantum = Number(value);
                break;
            case "POLICY":
                arena.Policy = Enum.TryParse(value.Value, ignoreCase: true, out FitPolicy policy) && Enum.IsDefined(policy)
                    ? policy
                    : throw Wrong(value, $"a policy: {string.Join(", ", Enum.GetNames<FitPolicy>())}");
                break;
            case "QUANTUMCACHEMAX":
                arena.QuantumCacheMax = Number(value);
                break;
            case "AUDIT":
                arena.Audit = Truth(value);
                break;
            default:
                throw Unknown(value);
        }
    }

    private static void ReadHeap(HeapSettings heap, IConfigurationSection value)
    {
        switch (value.Key.ToUpperInvariant())
        {
            case "LIMIT":
                heap.Limit = Number(value);
                break;
            case "TRACKLEAKS":
                heap.TrackLeaks = Truth(value);
                break;
            default:
                throw Unknown(value);
        }
    }

    private static void ReadPool(PoolSettings pool, IConfigurationSection value)
    {
        switch (value.Key.ToUpperInvariant())
        {
            case "HEAP":
                pool.Heap = value.Value;
                break;
            case "LIMIT":
                pool.Limit = Number(value);
                break;
            case "TRACKLEAKS":
                pool.TrackLeaks = Truth(value);
                break;
            default:
                throw Unknown(value);
        }
    }

    private static ulong Number(IConfigurationSection value) =>
        ulong.TryParse(value.Value, NumberStyles.None, CultureInfo.InvariantCulture, out ulong number)
            ? number
            : throw Wrong(value, "a number");

    private static bool Truth(IConfigurationSection value) =>
        bool.TryParse(value.Value, out bool truth) ? truth : throw Wrong(value, "true or false");

    private static TimeSpan Time(IConfigurationSection value) =>
        value.Value?.Contains(':') == true && TimeSpan.TryParse(value.Value, CultureInfo.InvariantCulture, out TimeSpan time)
            ? time                                             // a number alone would be days
            : throw Wrong(value, "a time, such as 00:00:10");

    private static InvalidOperationException Wrong(IConfigurationSection value, string wanted) =>
        new($"The configuration says {value.Path} = '{value.Value}', and what is wanted there is {wanted}.");

    private static InvalidOperationException Unknown(IConfigurationSection section) =>
        new($"The configuration has {section.Path}, which nobody knows.");
}
