using Vmem.Caching;
using Vmem.Memory.Budget;
using Vmem.Memory.Heap;
using Vmem.Memory.Window;
using Vmem.Testing.Time;
using Xunit;

namespace Vmem.Memory.Tests.Window;

/// <summary>What Linux says of memory, in files as it writes them.</summary>
public sealed class MemoryPressureTests : IDisposable
{
    private const string Calm = "some avg10=0.00 avg60=0.42 avg300=0.12 total=812345\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=4711\n";
    private const string Stalled = "some avg10=12.50 avg60=3.42 avg300=0.12 total=812345\nfull avg10=9.00 avg60=0.00 avg300=0.00 total=4711\n";

    private readonly DirectoryInfo _root = Directory.CreateTempSubdirectory("vmem-pressure-");

    public void Dispose() => _root.Delete(recursive: true);

    [Fact]
    public void Where_nothing_is_told_nothing_is_short() => Assert.False(new MemoryPressure(_root.FullName).Read());

    [Theory]
    [InlineData("max", 1_000, false)]
    [InlineData("1600000", 1_499_999, false)]
    [InlineData("1600000", 1_500_000, true)]
    [InlineData("1600000", 2_000_000, true)]
    public void A_group_near_the_memory_that_it_should_have_is_short(string high, long current, bool isShort)
    {
        Write("proc/self/cgroup", "4:memory:/elsewhere\n0::/service/web\n");
        Write("sys/fs/cgroup/service/web/memory.high", high + "\n");
        Write("sys/fs/cgroup/service/web/memory.current", current + "\n");
        Write("proc/pressure/memory", Calm);
        Assert.Equal(isShort, new MemoryPressure(_root.FullName).Read());
    }

    [Theory]
    [InlineData(null, Calm, false)]
    [InlineData(null, Stalled, true)]
    [InlineData(Calm, Stalled, false)]
    [InlineData(Stalled, Calm, true)]
    [InlineData(null, "some avg10=", false)]
    [InlineData(null, "nonsense", false)]
    public void Who_waits_for_memory_tells_and_the_group_before_the_machine(string? ofGroup, string ofMachine, bool isShort)
    {
        Write("proc/self/cgroup", "0::/\n");
        Write("proc/pressure/memory", ofMachine);
        if (ofGroup is not null)
        {
            Write("sys/fs/cgroup/memory.pressure", ofGroup);
        }

        MemoryPressure pressure = new(_root.FullName);
        Assert.Equal(isShort, pressure.Read());
        Assert.Equal(isShort && OperatingSystem.IsLinux(), pressure.IsHigh);
    }

    /// <summary>What was freed in the interval that ends would stay for another one.</summary>
    [Theory]
    [InlineData(Calm, false)]
    [InlineData(Stalled, true)]
    public void Under_pressure_a_heap_keeps_nothing_for_the_next_interval(string ofMachine, bool isShort)
    {
        Write("proc/pressure/memory", ofMachine);
        MemoryBudget budget = new(nuint.MaxValue, new MemoryPressure(_root.FullName));
        using AddressWindow window = new(budget);
        using HeapLayers heap = new(window, new NativeHeapOptions { TimeProvider = new ManualTime() }, HeapDebugging.None);
        heap.Plain.Free(heap.Plain.Take(8 << 20, 1, clear: false, out _), size: null);
        Assert.InRange(heap.Plain.Space.FreeDirtyBytes, 8u << 20, 9u << 20);
        Assert.True(((IUpkeepTarget)heap.Plain).EndInterval());
        Assert.Equal(isShort && OperatingSystem.IsLinux(), heap.Plain.Space.FreeDirtyBytes < 1 << 20);
    }

    private void Write(string path, string text)
    {
        string whole = Path.Join(_root.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(whole)!);
        File.WriteAllText(whole, text);
    }
}
