using System.Text;
using System.Xml.Linq;

namespace Vmem.Tool.Tests.Reports;

/// <summary><c>vmem map</c> of what VMA and D3D12MA write; colours of kinds and tags; IP addresses.</summary>
public sealed class GpuMapTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>The file was written by VMA 3.4 over a software device.</summary>
    [Fact]
    public async Task A_dump_of_vma_is_drawn_block_by_block()
    {
        XElement svg = await DrawAsync(Dump("vma.json"));
        string text = svg.Value;
        Assert.Contains("Vulkan memory: llvmpipe", text, StringComparison.Ordinal);
        Assert.Contains("4 blocks, 1 dedicated allocation", text, StringComparison.Ordinal);
        // the dump's own Total: 794,288 of 1,310,720 in 5 blocks, the dedicated one among them
        Assert.Contains("776 KiB in use, 504 KiB free, largest free 192 KiB", text, StringComparison.Ordinal);
        Assert.Contains("Type 0, block 2, 512 KiB, 2 allocated", text, StringComparison.Ordinal);
        Assert.Contains("Type 0, pool 0 - particles, block 0, 256 KiB, 1 allocated", text, StringComparison.Ordinal);
        Assert.Contains("Type 0, dedicated shadow map, 128 KiB, 1 allocated", text, StringComparison.Ordinal);
        Assert.Contains("0xeac0, 39.1 KiB, BUFFER, terrain vertices", Titles(svg));
        Assert.Equal(["used kind1", "used kind2", "used kind3"], Legend(svg, "BUFFER", "IMAGE_LINEAR", "IMAGE_OPTIMAL"));
    }

    [Fact]
    public async Task A_virtual_block_of_vma_is_drawn()
    {
        XElement svg = await DrawAsync(Dump("vma-virtual.json"));
        Assert.Contains("26.4 KiB in use, 998 KiB free, largest free 988 KiB", svg.Value, StringComparison.Ordinal);
        Assert.Contains("virtual block, 1 MiB, 6 allocated", svg.Value, StringComparison.Ordinal);
    }

    /// <summary>Written by hand after the shape that D3D12MA documents: ranges out of order, and custom pools below a heap.</summary>
    [Fact]
    public async Task A_dump_of_d3d12ma_is_drawn()
    {
        XElement svg = await DrawAsync(Dump("d3d12ma.json"));
        Assert.Contains("Direct3D 12 memory: a GPU", svg.Value, StringComparison.Ordinal);
        Assert.Contains("DEFAULT - Textures, block 0, 64 KiB, 1 allocated", svg.Value, StringComparison.Ordinal);
        Assert.Contains("UPLOAD, 0 - staging, block 7, 4 KiB, 0 allocated", svg.Value, StringComparison.Ordinal);
        Assert.Contains("0x0, 32 KiB, TEXTURE2D, albedo <1>", Titles(svg));
    }

    [Theory]
    [InlineData("{\"Total\":{},\"MemoryInfo\":{}}", "statistics without blocks: ask the allocator for the detailed map")]
    [InlineData("{\"DefaultPools\":[]}", null)]
    [InlineData("{\"DefaultPools\":1}", "DefaultPools: expected pools by name")]
    [InlineData("{\"DefaultPools\":{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{}}}}}}}}", "not nested as deep")]
    [InlineData("{\"DefaultPools\":{\"a\":{\"Blocks\":[]}}}", "DefaultPools.a.Blocks: expected blocks by number")]
    [InlineData("{\"Details\":{\"TotalBytes\":0,\"Suballocations\":[]}}", "a block must not be empty")]
    [InlineData("{\"Details\":{\"TotalBytes\":-5,\"Suballocations\":[]}}", "Details.TotalBytes: expected a number")]
    [InlineData("{\"Details\":{\"TotalBytes\":8,\"Suballocations\":[{\"Offset\":8,\"Size\":1}]}}", "not inside its block")]
    [InlineData("{\"Details\":{\"TotalBytes\":8,\"Suballocations\":[{\"Offset\":4,\"Size\":18446744073709551615}]}}", "not inside its block")]
    [InlineData("{\"Details\":{\"TotalBytes\":8,\"Suballocations\":[{\"Offset\":4,\"Size\":0}]}}", "must not be empty")]
    [InlineData("{\"Details\":{\"TotalBytes\":8,\"Suballocations\":[{\"Offset\":4,\"Size\":2},{\"Offset\":5,\"Size\":1}]}}", "the ranges at 4 and 5 overlap")]
    [InlineData("{\"Details\":{\"TotalBytes\":8,\"Suballocations\":[3]}}", "Details.Suballocations[0]: \"Offset\" is missing")]
    public async Task What_is_wrong_in_a_dump_is_said_with_its_place(string dump, string? expected)
    {
        ToolRun run = await ToolRun.WithInput(dump, "map", "-");
        Assert.Equal(expected is null ? 0 : 1, run.ExitCode);
        Assert.Contains(expected ?? "", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tags_are_colours_and_those_with_most_have_their_own()
    {
        string ranges = string.Join(',', Enumerable.Range(0, 10).Select(tag => $"[\"{tag * 100}\",\"{tag + 1}\",\"{tag}\"]"));
        XElement svg = await DrawAsync(Snapshot("UInt64", "1000", ranges + ",[\"990\",\"5\"]"));
        Assert.Equal(["used kind1", "used kind7"], Legend(svg, "tag 9", "tag 3"));
        Assert.Equal(["used"], Legend(svg, "others"));
        Assert.Contains("0x64, 2, tag 1", Titles(svg));
        Assert.Contains("0x3de, 5", Titles(svg));
    }

    [Fact]
    public async Task Where_segments_are_many_a_column_has_the_colour_of_what_it_has_most_of()
    {
        string ranges = string.Join(',', Enumerable.Range(0, 9_120).Select(i => $"[\"{i * 10}\",\"10\",\"{(i < 4_560 ? 1 : 2)}\"]"));
        XElement svg = await DrawAsync(Snapshot("UInt64", "91200", ranges));
        XElement[] bars = [.. svg.Descendants().Where(element => element.Attribute("fill-opacity") is not null)];
        Assert.Equal([("used kind1", "24", "456"), ("used kind2", "480", "456")],
            bars.Select(bar => ((string)bar.Attribute("class")!, (string)bar.Attribute("x")!, (string)bar.Attribute("width")!)));
    }

    [Theory]
    [InlineData("UInt32", "4294967295", "167772160", "256", "ip", "10.0.0.0/24, 256")]
    [InlineData("UInt32", "4294967295", "167772161", "3", "ip", "10.0.0.1 to 10.0.0.3, 3")]
    [InlineData("UInt32", "4294967295", "4294967295", "1", "ip", "255.255.255.255/32, 1")]
    [InlineData("UInt128", "340282366920938463463374607431768211455", "42540766411282592856903984951653826560", "18446744073709551616", "ip", "2001:db8::/64, 18,446,744,073,709,551,616")]
    [InlineData("UInt32", "4294967295", "10", "1", "decimal", "10, 1")]
    [InlineData("UInt16", "65535", "10", "1", "hex", "0xa, 1")]
    [InlineData("UInt16", "65535", "10", "1", "auto", "10, 1")]
    public async Task Addresses_are_written_as_they_are_asked_for(string type, string size, string start, string length, string notation,
        string expected)
    {
        string from = start == "4294967295" ? "1" : "0";
        XElement svg = await DrawAsync(Snapshot(type, size, $"[\"{start}\",\"{length}\"]", from), "--addresses", notation);
        Assert.Contains(expected, Titles(svg));
    }

    [Fact]
    public async Task Only_two_types_hold_ip_addresses()
    {
        ToolRun run = await ToolRun.WithInput(Snapshot("UInt64", "16", ""), "map", "-", "--addresses", "ip");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("values of UInt64 are no IP addresses", run.Error, StringComparison.Ordinal);
        Assert.Equal(2, (await ToolRun.WithInput(Snapshot("UInt64", "16", ""), "map", "-", "--addresses", "octal")).ExitCode);
    }

    private static byte[] Dump(string name) => File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Reports", "Dumps", name));

    private static string Snapshot(string type, string size, string allocated, string start = "0") =>
        $$"""
        {"vmemSnapshot":1,"type":"{{type}}","name":"n","quantum":"1","policy":"BestFit","spans":[{"start":"{{start}}","size":"{{size}}","allocated":[{{allocated}}]}]}
        """;

    private static IEnumerable<string> Titles(XElement svg) =>
        svg.Descendants().Where(element => element.Name.LocalName == "title").Select(title => title.Value);

    /// <summary>The styles of the swatches before these words.</summary>
    private static IEnumerable<string> Legend(XElement svg, params string[] words) => words.Select(word =>
        (string)((XElement)svg.Elements().Single(element => element.Name.LocalName == "text" && element.Value == word).PreviousNode!)
            .Attribute("class")!);

    private Task<XElement> DrawAsync(string snapshot, params string[] options) => DrawAsync(Encoding.UTF8.GetBytes(snapshot), options);

    private async Task<XElement> DrawAsync(byte[] input, params string[] options)
    {
        ToolRun run = await ToolRun.Of(["map", _folder.Write("in.json", input), "--svg", _folder.PathOf("out.svg"), .. options]);
        Assert.Equal((0, string.Empty), (run.ExitCode, run.Error));
        return XElement.Load(_folder.PathOf("out.svg"));
    }
}
