using System.Numerics;
using System.Text.Json;
using Vmem.Testing.Driving;
using Vmem.Testing.Generation;
using Vmem.Testing.Sources;
using Xunit;

namespace Vmem.Tests.Diagnostics;

public class SnapshotTests
{
    private const string Good =
        """{"vmemSnapshot":1,"type":"UInt64","name":"heap","quantum":"16","policy":"InstantFit","spans":[{"start":"0","size":"1048576","imported":false,"allocated":[["0","64"],["128","32"]]}]}""";

    [Fact]
    public void A_byte_arena_comes_back() => RoundTrip<byte>(200, 56);

    [Fact]
    public void A_ushort_arena_comes_back() => RoundTrip<ushort>(60_000, 5_536);

    [Fact]
    public void A_uint_arena_comes_back() => RoundTrip(uint.MaxValue - 4_095, 4_096u);

    [Fact]
    public void A_ulong_arena_comes_back() => RoundTrip(ulong.MaxValue - 4_095, 4_096ul);

    [Fact]
    public void A_nuint_arena_comes_back() => RoundTrip(nuint.MaxValue - 4_095, (nuint)4_096);

    [Fact]
    public void A_UInt128_arena_comes_back() => RoundTrip(UInt128.MaxValue - 4_095, (UInt128)4_096);

    [Fact]
    public void The_format_is_as_documented()
    {
        using Arena<ulong> arena = new("heap", 0, 1_048_576, 16);
        ulong first = arena.AllocateConstrained(64, new() { Max = 64 });
        arena.AllocateConstrained(32, new() { Min = 128, Max = 160 });
        Assert.Equal(0ul, first);
        Assert.Equal(Good, arena.Snapshot().ToJson());
        Assert.Equal(Good, JsonSerializer.Serialize(arena.Snapshot()));
        using Arena<ulong> restored = Arena<ulong>.Restore(JsonSerializer.Deserialize<ArenaSnapshot<ulong>>(Good)!);
        Assert.Equal(ArenaPicture.Segments(arena), ArenaPicture.Segments(restored));
    }

    [Fact]
    public void Imported_spans_are_marked()
    {
        ScriptedSource<uint> source = TestSources.Ascending(64u, 64u);
        using Arena<uint> arena = new("child", 16, new ArenaOptions<uint> { Source = source });
        arena.AddSpan(0, 64);
        arena.Allocate(64);
        arena.Allocate(16);
        Assert.Equal([false, true], arena.Snapshot().Spans.Select(span => span.Imported));
        Assert.Contains("\"imported\":true", arena.Snapshot().ToJson(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_handle_does_not_survive_but_its_range_is_freed_by_address()
    {
        using Arena<uint> first = new("first", 0, 100, 1);
        first.TryAllocateHandle(10, out RangeHandle<uint> handle);
        using Arena<uint> second = Arena<uint>.Restore(first.Snapshot());
        Assert.Throws<InvalidFreeException>(() => second.Free(handle));
        Assert.Equal(10u, second.GetStatistics().InUse);
        second.Free(handle.Start, 10);
        Assert.Equal(0u, second.GetStatistics().InUse);
        first.Free(handle);
    }

    [Fact]
    public void A_restored_arena_is_as_good_as_the_first()
    {
        using Arena<uint> first = new("first", 0, 100, 1, new ArenaOptions<uint> { Policy = FitPolicy.LastFit });
        uint start = first.Allocate(10);
        using Arena<uint> second = Arena<uint>.Restore(first.Snapshot());
        Assert.Equal(("first", 1u, FitPolicy.LastFit), (second.Name, second.Quantum, second.Policy));
        Assert.Equal(80u, second.Allocate(10));
        second.Free(start, 10);
        Assert.Equal(10u, first.GetStatistics().InUse);
        second.Validate();
    }

    public static TheoryData<string> BadJson => new(
        "",
        "null",
        "[]",
        "{}",
        "{\"vmemSnapshot\":1",
        Good[..^1],
        Good + "x",
        Good.Replace("\"vmemSnapshot\":1", "\"vmemSnapshot\":2", StringComparison.Ordinal),
        Good.Replace("\"vmemSnapshot\":1,", "", StringComparison.Ordinal),
        Good.Replace("UInt64", "UInt32", StringComparison.Ordinal),
        Good.Replace("\"quantum\":\"16\"", "\"quantum\":\"0\"", StringComparison.Ordinal),
        Good.Replace("\"quantum\":\"16\"", "\"quantum\":\"24\"", StringComparison.Ordinal),
        Good.Replace("\"quantum\":\"16\"", "\"quantum\":\"-16\"", StringComparison.Ordinal),
        Good.Replace("\"quantum\":\"16\"", "\"quantum\":\"128\"", StringComparison.Ordinal),
        Good.Replace("InstantFit", "WorstFit", StringComparison.Ordinal),
        Good.Replace("\"1048576\"", "\"1048577\"", StringComparison.Ordinal),
        Good.Replace("\"1048576\"", "\"99999999999999999999\"", StringComparison.Ordinal),
        Good.Replace("\"1048576\"", "\"144\"", StringComparison.Ordinal),
        Good.Replace("[\"0\",\"64\"]", "[\"0\",\"144\"]", StringComparison.Ordinal),
        Good.Replace("[\"0\",\"64\"]", "[\"0\"]", StringComparison.Ordinal),
        Good.Replace("[\"0\",\"64\"]", "[\"0\",\"0\"]", StringComparison.Ordinal),
        Good.Replace("[\"0\",\"64\"]", "[\"8\",\"64\"]", StringComparison.Ordinal),
        Good.Replace("[\"0\",\"64\"]", "[\"2097152\",\"64\"]", StringComparison.Ordinal),
        Good.Replace("[\"128\",\"32\"]", "[\"128\",\"18446744073709551600\"]", StringComparison.Ordinal),
        Good.Replace("\"spans\":[", "\"spans\":[{\"start\":\"4096\",\"size\":\"4096\",\"imported\":false,\"allocated\":[]},", StringComparison.Ordinal));

    /// <summary>Whatever is wrong is found at the latest when an arena is to be made of it, and none is.</summary>
    [Theory]
    [MemberData(nameof(BadJson))]
    public void Bad_input_is_a_format_error(string json)
    {
        Exception? thrown = Record.Exception(() => Arena<ulong>.Restore(ArenaSnapshot<ulong>.FromJson(json)).Dispose());
        Assert.IsType<FormatException>(thrown);
        Assert.NotEmpty(thrown.Message);
    }

    [Fact]
    public void A_number_that_the_type_cannot_hold_is_a_format_error() =>
        Assert.Throws<FormatException>(() => ArenaSnapshot<byte>.FromJson(
            """{"vmemSnapshot":1,"type":"Byte","name":"b","quantum":"1","policy":"BestFit","spans":[{"start":"0","size":"256","imported":false,"allocated":[]}]}"""));

    private static void RoundTrip<T>(T start, T size)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        SeededRandom random = new(7);
        using Arena<T> arena = new("a \"name\" to escape\n", start, size, T.CreateChecked(2), new ArenaOptions<T> { Policy = FitPolicy.BestFit });
        arena.AddSpan(T.Zero, T.CreateChecked(32));
        List<(T Start, T Size)> live = [];
        for (int i = 0; i < 60; i++)
        {
            T wanted = T.CreateChecked(1 + random.Below(9));
            if (arena.TryAllocate(wanted, (FitPolicy)random.Below(7), out T place))
            {
                live.Add((place, wanted));
            }

            if (i % 3 == 0 && live.Count > 0)
            {
                arena.Free(live[0].Start, live[0].Size);
                live.RemoveAt(0);
            }
        }

        string json = arena.Snapshot().ToJson();
        using Arena<T> restored = Arena<T>.Restore(ArenaSnapshot<T>.FromJson(json));
        restored.Validate();
        Assert.Equal(ArenaPicture.Segments(arena), ArenaPicture.Segments(restored));
        Assert.Equal(json, restored.Snapshot().ToJson());
        Assert.Equal(arena.GetStatistics().InUse, restored.GetStatistics().InUse);
        live.ForEach(range => restored.Free(range.Start, range.Size));
        Assert.Equal(2, restored.GetStatistics().FreeSegments);
        Assert.Contains(typeof(T).Name, json, StringComparison.Ordinal);
    }
}
