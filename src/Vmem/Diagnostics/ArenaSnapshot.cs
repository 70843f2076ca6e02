using System.Diagnostics;
using System.Numerics;
using System.Text.Json;
using System.Text.Json.Serialization;
using Vmem.Diagnostics;

namespace Vmem;

/// <summary>What an arena held at one moment: its spans, and what of them was allocated or rested. Everything else is free.</summary>
/// <remarks>
/// Serialisable by System.Text.Json (without reflection) and by <see cref="ToJson"/>. Numbers are written as decimal strings, because many
/// JSON readers take numbers for doubles and lose the low bits of 64-bit addresses.
/// </remarks>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Name,nq}: {Spans.Count} spans, {Policy}, quantum {Quantum}")]
[JsonConverter(typeof(ArenaSnapshotConverterFactory))]
public sealed class ArenaSnapshot<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The version of the format that this library writes.</summary>
    public const int CurrentVersion = 1;

    /// <summary>The version of the format.</summary>
    public int Version { get; init; } = CurrentVersion;

    /// <summary>The arena's name.</summary>
    public required string Name { get; init; }

    /// <summary>The arena's quantum.</summary>
    public required T Quantum { get; init; }

    /// <summary>The arena's policy.</summary>
    public FitPolicy Policy { get; init; }

    /// <summary>Where the next request for one quantum by next fit begins its search; 0 in a snapshot of an earlier version.</summary>
    public T Rotor { get; init; }

    /// <summary>Where any other request by next fit begins its search, if it is not at <see cref="Rotor"/>.</summary>
    public T? RotorLead { get; init; }

    /// <summary>What of the free space was freed apart, the oldest first (<see cref="FitPolicy.OldestFit"/>); what is not named is older.
    /// Empty if that is not the arena's policy.</summary>
    public IReadOnlyList<FreedSnapshot<T>> Freed { get; init; } = [];

    /// <summary>The spans in address order.</summary>
    public required IReadOnlyList<SpanSnapshot<T>> Spans { get; init; }

    /// <summary>The ranges of all spans that were freed and rested, in the order in which that ends: first those that rest for a time, then
    /// those that rest for a fence. A version of this library that does not know of rests takes them for free.</summary>
    public IReadOnlyList<RestSnapshot<T>> Resting { get; init; } = [];

    /// <summary>The last fence that was completed (<see cref="Arena{T}.CompleteFence"/>); null: none was.</summary>
    public ulong? CompletedFence { get; init; }

    /// <summary>The snapshot as JSON.</summary>
    /// <returns>The text.</returns>
    public string ToJson()
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
        {
            SnapshotJson.Write(writer, this);
        }

        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    /// <summary>Reads a snapshot that <see cref="ToJson"/> wrote.</summary>
    /// <param name="json">The text.</param>
    /// <returns>The snapshot.</returns>
    /// <exception cref="FormatException">It is no such text, of another version, or of an arena of another type; the message says
    /// where.</exception>
    public static ArenaSnapshot<T> FromJson(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        try
        {
            var reader = new Utf8JsonReader(System.Text.Encoding.UTF8.GetBytes(json));
            _ = reader.Read();
            ArenaSnapshot<T> snapshot = SnapshotJson.Read<T>(ref reader);
            return reader.Read() ? throw new JsonException("Something follows the snapshot.") : snapshot;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)        // the latter for text that is no Unicode
        {
            throw new FormatException($"This is no snapshot of an arena of {typeof(T).Name}: {e.Message}", e);
        }
    }
}

/// <summary>A span of a snapshot.</summary>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Size} at {Start}, {Allocated.Count} ranges in it")]
public sealed class SpanSnapshot<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The first value of the span.</summary>
    public required T Start { get; init; }

    /// <summary>Its length. 0 if <see cref="IsWhole"/>.</summary>
    public required T Size { get; init; }

    /// <summary>Whether it holds every value of the type (<see cref="Arena{T}.OverAll"/>). Then <see cref="Size"/> is 0: no size says
    /// that.</summary>
    public bool IsWhole { get; init; }

    /// <summary>Whether it drained (<see cref="Arena{T}.TryDrainSpan"/>). A version of this library that does not know of that takes what
    /// nobody held of it for free.</summary>
    public bool IsDraining { get; init; }

    /// <summary>Whether it came from the arena's source.</summary>
    public bool Imported { get; init; }

    /// <summary>The allocated ranges in address order.</summary>
    public required IReadOnlyList<RangeSnapshot<T>> Allocated { get; init; }
}

/// <summary>A range of a snapshot that was freed later and rested.</summary>
/// <param name="Start">The first value.</param>
/// <param name="Size">The number of values.</param>
/// <param name="Remaining">For how long it had yet to rest; of no meaning if there is a fence.</param>
/// <param name="Fence">The fence that ends the rest; null: time does.</param>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Size} at {Start}, for {Remaining}")]
public readonly record struct RestSnapshot<T>(T Start, T Size, TimeSpan Remaining, ulong? Fence)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The tag that the range had: see <see cref="ArenaOptions{T}.Tagged"/>.</summary>
    public ulong Tag { get; init; }

    /// <summary>Its kind, of which it still keeps others away: see <see cref="ArenaOptions{T}.KindGranularity"/>.</summary>
    public int Kind { get; init; }
}

/// <summary>An allocated range of a snapshot.</summary>
/// <param name="Start">The first value.</param>
/// <param name="Size">The number of values.</param>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Size} at {Start}")]
public readonly record struct RangeSnapshot<T>(T Start, T Size)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The range's tag: see <see cref="ArenaOptions{T}.Tagged"/>.</summary>
    public ulong Tag { get; init; }

    /// <summary>Its kind: see <see cref="ArenaOptions{T}.KindGranularity"/>.</summary>
    public int Kind { get; init; }
}
