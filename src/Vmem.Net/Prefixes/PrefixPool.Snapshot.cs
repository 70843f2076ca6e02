using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Vmem.Net.Addresses;
using Vmem.Net.Prefixes;

namespace Vmem.Net;

// A pool as JSON, for people and other programs: prefixes as text. A tag is a decimal string, as many readers take numbers for doubles and
// lose the low bits.
public sealed partial class PrefixPool
{
    private const int SnapshotVersion = 1;

    /// <summary>The pool as JSON: networks, exclusions, what is allocated, and what rests and for how long yet.</summary>
    /// <returns>The text. Each family is shown at one moment.</returns>
    /// <exception cref="InvalidOperationException">The pool takes prefixes from another one: keep that one.</exception>
    /// <remarks>O(n), under the lock of each arena.</remarks>
    public string ToJson()
    {
        if (Options.Source is not null)
        {
            throw new InvalidOperationException($"Pool '{Name}' has its prefixes from pool '{Options.Source.Name}', and no snapshot of its own.");
        }

        (FamilyPool Family, ArenaSnapshot<UInt128> Picture)[] pictures = [.. Families.Select(family => (family, family.Arena.Snapshot()))];
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteNumber("version"u8, SnapshotVersion);
            writer.WriteString("name"u8, Name);
            writer.WriteNumber("longestV4"u8, Options.LongestV4);
            writer.WriteNumber("longestV6"u8, Options.LongestV6);
            WritePrefixes(writer, "networks", Networks);
            WritePrefixes(writer, "exclusions", Options.Exclusions);
            writer.WriteStartArray("allocated"u8);
            foreach ((FamilyPool family, ArenaSnapshot<UInt128> picture) in pictures)
            {
                foreach (RangeSnapshot<UInt128> range in picture.Spans.SelectMany(span => span.Allocated))
                {
                    WriteRange(writer, family, range.Start, range.Size, range.Tag, null);
                }
            }

            writer.WriteEndArray();
            writer.WriteStartArray("resting"u8);
            foreach ((FamilyPool family, ArenaSnapshot<UInt128> picture) in pictures)
            {
                foreach (RestSnapshot<UInt128> rest in picture.Resting)
                {
                    WriteRange(writer, family, rest.Start, rest.Size, rest.Tag, rest.Remaining);
                }
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    /// <summary>Makes a pool of what <see cref="ToJson"/> wrote. What rested goes on resting, for what remained.</summary>
    /// <param name="json">The text.</param>
    /// <param name="options">How the pool behaves; null for the defaults. Exclusions and units are those of the text.</param>
    /// <returns>The pool.</returns>
    /// <exception cref="FormatException">It is no such text, of another version, or contradicts itself; the message says where.</exception>
    /// <exception cref="ArgumentException">The options name a source, or one makes no sense.</exception>
    public static PrefixPool FromJson(string json, PrefixPoolOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(json);
        options ??= new PrefixPoolOptions();
        if (options.Source is not null)
        {
            throw new ArgumentException("A pool that is restored has networks of its own: name no source.", nameof(options));
        }

        options.Check(nameof(options));
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return Read(document.RootElement, options);
        }
        catch (Exception e)
            when (e is JsonException or InvalidOperationException or ArgumentException or OverflowException)
        {
            throw new FormatException($"This is no snapshot of a prefix pool: {e.Message}", e);
        }
    }

    private static PrefixPool Read(JsonElement root, PrefixPoolOptions options)
    {
        int version = Number(root, "version");
        if (version != SnapshotVersion)
        {
            throw new FormatException($"This is a snapshot of version {version}, and this library reads version {SnapshotVersion}.");
        }

        var pool = new PrefixPool(Text(Member(root, "name")), ReadPrefixes(Member(root, "networks")), options with
        {
            LongestV4 = Number(root, "longestV4"),
            LongestV6 = Number(root, "longestV6"),
            Exclusions = ReadPrefixes(Member(root, "exclusions")),
        });
        try
        {
            foreach (JsonElement item in Member(root, "allocated").EnumerateArray())
            {
                _ = pool.ReadClaim(item);
            }

            foreach (JsonElement item in Member(root, "resting").EnumerateArray())
            {
                IPNetwork prefix = pool.ReadClaim(item);
                string remaining = Text(Member(item, "remaining"));
                bool isTime = TimeSpan.TryParseExact(remaining, "c", CultureInfo.InvariantCulture, out TimeSpan rest);
                pool.FreeAfter(prefix, isTime && rest >= TimeSpan.Zero
                    ? rest
                    : throw new FormatException($"'{remaining}' is no time for which {prefix} could rest."));
            }

            return pool;
        }
        catch
        {
            pool.Dispose();
            throw;
        }
    }

    private IPNetwork ReadClaim(JsonElement item)
    {
        IPNetwork prefix = Prefix.Parse(Text(Member(item, "prefix")));
        string tag = item.TryGetProperty("tag"u8, out JsonElement found) ? Text(found) : "0";
        Claim(prefix, ulong.TryParse(tag, NumberStyles.None, CultureInfo.InvariantCulture, out ulong value)
            ? value
            : throw new FormatException($"'{tag}' is no tag of {prefix}: a tag is a number from 0 to {ulong.MaxValue}."));
        return prefix;
    }

    private static JsonElement Member(JsonElement parent, string name) => parent.TryGetProperty(name, out JsonElement found)
        ? found
        : throw new FormatException($"This is no snapshot of a prefix pool: \"{name}\" is missing.");

    private static int Number(JsonElement parent, string name) => Member(parent, name).TryGetInt32(out int number)
        ? number
        : throw new FormatException($"This is no snapshot of a prefix pool: \"{name}\" is no whole number of 32 bits.");

    private static string Text(JsonElement element) =>
        element.GetString() ?? throw new FormatException("A text is missing in this snapshot.");

    private static IPNetwork[] ReadPrefixes(JsonElement list) => [.. list.EnumerateArray().Select(item => Prefix.Parse(Text(item)))];

    private static void WritePrefixes(Utf8JsonWriter writer, string name, IEnumerable<IPNetwork> prefixes)
    {
        writer.WriteStartArray(name);
        foreach (IPNetwork prefix in prefixes)
        {
            writer.WriteStringValue(prefix.ToString());
        }

        writer.WriteEndArray();
    }

    // Pools above this one may have taken ranges that are no single prefix: they are written as several.
    private static void WriteRange(Utf8JsonWriter writer, FamilyPool family, UInt128 start, UInt128 size, ulong tag, TimeSpan? remaining)
    {
        foreach (IPNetwork prefix in family.Kind.Cover(start, start + (size - 1)))
        {
            writer.WriteStartObject();
            writer.WriteString("prefix"u8, prefix.ToString());
            if (tag != 0)
            {
                writer.WriteString("tag"u8, tag.ToString(CultureInfo.InvariantCulture));
            }

            if (remaining is { } rest)
            {
                writer.WriteString("remaining"u8, rest.ToString("c", CultureInfo.InvariantCulture));
            }

            writer.WriteEndObject();
        }
    }
}
