using System.Diagnostics;
using System.Text.Json;
using Silk.NET.Vulkan;
using Vmem.Vulkan.Tests.Drivers;

namespace Vmem.Vulkan.Tests.Reports;

/// <summary>The dump has the shape of VMA's, says what there is, and <c>vmem map</c> draws it.</summary>
[Collection(SoftwareDeviceTests.Name)]
public sealed class DumpTests(SoftwareDevice software) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("vmem-vulkan-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task It_says_what_lies_where_and_is_drawn()
    {
        using TestMemory test = software.NewMemory(new() { BlockSize = 1 << 20 });
        using GpuBuffer mesh = test.Memory.CreateBuffer(10_000, BufferUsageFlags.VertexBufferBit, new() { Name = "mesh" });
        using GpuBuffer large = test.Memory.CreateBuffer(900_000, BufferUsageFlags.VertexBufferBit, new() { Name = "terrain" });
        test.Memory.CreateBuffer(5_000, BufferUsageFlags.VertexBufferBit).Retire();
        using GpuAllocation own = test.Memory.Allocate(
            new MemoryRequirements { Size = 100, Alignment = 64, MemoryTypeBits = 1 }, GpuResourceKind.Optimal, new() { Name = "own" });
        string file = Path.Combine(_folder.FullName, "gpu.json");
        await using (FileStream stream = File.Create(file))
        {
            test.Memory.WriteJson(stream);
        }

        using JsonDocument dump = JsonDocument.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        JsonElement root = dump.RootElement;
        GpuTypeStatistics type = test.Memory.GetStatistics()[0];
        Assert.Equal(3, type.AllocationCount);
        Assert.Equal(type.AllocationBytes, root.GetProperty("Total").GetProperty("AllocationBytes").GetUInt64());
        JsonElement heap = root.GetProperty("MemoryInfo").GetProperty("Heap 0");
        Assert.Equal(type.BlockBytes, heap.GetProperty("Budget").GetProperty("UsageBytes").GetUInt64());
        JsonElement flags = heap.GetProperty("MemoryPools").GetProperty("Type 0").GetProperty("Flags");
        Assert.Contains("HOST_VISIBLE", flags.EnumerateArray().Select(flag => flag.GetString()));
        JsonElement pool = root.GetProperty("DefaultPools").GetProperty("Type 0");
        Assert.Equal("terrain", Assert.Single(pool.GetProperty("DedicatedAllocations").EnumerateArray()).GetProperty("Name").GetString());
        JsonElement block = Assert.Single(pool.GetProperty("Blocks").EnumerateObject()).Value;
        JsonElement[] ranges = [.. block.GetProperty("Suballocations").EnumerateArray()];
        ulong sizes = ranges.Aggregate(0UL, (sum, range) => sum + range.GetProperty("Size").GetUInt64());
        Assert.Equal(block.GetProperty("TotalBytes").GetUInt64(), sizes);
        Assert.Equal(
            ["BUFFER", "FREE", "IMAGE_OPTIMAL", "RETIRED"], ranges.Select(range => range.GetProperty("Type").GetString()).Distinct().Order());
        JsonElement first = ranges.Single(range => range.GetProperty("Type").GetString() == "BUFFER");
        Assert.Equal(("mesh", mesh.Allocation.Offset), (first.GetProperty("Name").GetString(), first.GetProperty("Offset").GetUInt64()));
        Assert.Equal((uint)BufferUsageFlags.VertexBufferBit, first.GetProperty("Usage").GetUInt32());

        string drawing = await DrawAsync(file);
        Assert.Contains("1 block, 1 dedicated allocation", drawing, StringComparison.Ordinal);
        Assert.Contains("Type 0, dedicated terrain, ", drawing, StringComparison.Ordinal);
        Assert.Contains("BUFFER, mesh", drawing, StringComparison.Ordinal);
    }

    [Fact]
    public void A_dedicated_block_that_rests_is_in_it()
    {
        using TestMemory test = software.NewMemory();
        using GpuBuffer live = test.Memory.CreateBuffer(10_000, BufferUsageFlags.VertexBufferBit, new() { IsDedicated = true });
        GpuBuffer retired = test.Memory.CreateBuffer(20_000, BufferUsageFlags.VertexBufferBit, new() { IsDedicated = true });
        ulong size = retired.Allocation.Size;
        retired.Retire();
        using MemoryStream stream = new();
        test.Memory.WriteJson(stream);
        using JsonDocument dump = JsonDocument.Parse(stream.ToArray());
        JsonElement root = dump.RootElement;
        JsonElement[] dedicated =
            [.. root.GetProperty("DefaultPools").GetProperty("Type 0").GetProperty("DedicatedAllocations").EnumerateArray()];
        Assert.Equal(["BUFFER", "RETIRED"], dedicated.Select(item => item.GetProperty("Type").GetString()));
        Assert.Equal(size, dedicated[1].GetProperty("Size").GetUInt64());
        JsonElement total = root.GetProperty("Total");
        Assert.Equal((2, 1), (total.GetProperty("BlockCount").GetInt32(), total.GetProperty("AllocationCount").GetInt32()));
        Assert.Equal(live.Allocation.Size + size, total.GetProperty("BlockBytes").GetUInt64());
    }

    private async Task<string> DrawAsync(string file)
    {
        string drawing = Path.Combine(_folder.FullName, "gpu.svg");
        string program = Path.Combine(AppContext.BaseDirectory, "Vmem.Tool.dll");
        using Process tool = Process.Start("dotnet", [program, "map", file, "--svg", drawing]);
        await tool.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, tool.ExitCode);
        return await File.ReadAllTextAsync(drawing, TestContext.Current.CancellationToken);
    }
}
