using Vmem.Memory.Heap.Debugging;
using Vmem.Memory.Tests.Platform;
using Xunit;

namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>What takes a process of its own: an overrun that is the program's last, and the environment.</summary>
public unsafe class DebuggedProcessTests
{
    [Theory]
    [InlineData(nameof(Overrun))]
    [InlineData(nameof(Use_after_free))]
    public void The_processor_finds_what_touches_a_guard_page(string mistake)
    {
        (int exitCode, string output) = ChildProcess.Run(typeof(DebuggedProcessTests), mistake);
        Assert.NotEqual(0, exitCode);
        Assert.Contains("AccessViolationException", output, StringComparison.Ordinal);
        Assert.Contains($"{nameof(DebuggedProcessTests)}.{mistake}", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("audit,guards=32,leaks", nameof(Leak_as_the_environment_says), "heap 'leaky': 1 live of 1234 in all")]
    [InlineData("leaks", nameof(Leak_to_the_end), "heap 'shared': 1 live of 77 in all")]
    [InlineData("audit,leaks", nameof(Leak_to_the_end), nameof(Leak_to_the_end))]
    [InlineData("gards", nameof(Fail_as_the_environment_says), "")]
    public void The_environment_decides_for_heaps_whose_options_say_nothing(string variable, string method, string told)
    {
        (int exitCode, string output) = ChildProcess.Run(typeof(DebuggedProcessTests), method, (DebugVariable.Name, variable));
        Assert.True(exitCode == 0, output);
        Assert.Contains(told, output, StringComparison.Ordinal);
    }

    [Fact(Explicit = true)]
    public void Overrun()
    {
        NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.Firewall });
        byte* block = (byte*)heap.Allocate(160);
        new Span<byte>(block, 160).Fill(1);
        for (int i = 0; i <= 160; i++)
        {
            block[i] = 1;
        }
    }

    [Fact(Explicit = true)]
    public void Use_after_free()
    {
        NativeHeap heap = new(new NativeHeapOptions { Debugging = HeapDebugging.Firewall });
        int* block = (int*)heap.Allocate(160);
        *block = 1;
        heap.Free(block);
        *block = 2;
    }

    [Fact(Explicit = true)]
    public void Leak_as_the_environment_says()
    {
        NativeHeap heap = new(new NativeHeapOptions { Name = "leaky" });
        Assert.Equal(HeapDebugging.FromEnvironment, heap.Debugging);
        Assert.Equal((true, (nuint)32), (heap.Debugging.Owners, heap.Debugging.RedZone));
        _ = heap.Allocate(1_234);
        heap.Dispose();
        using NativeHeap plain = new(new NativeHeapOptions { Debugging = HeapDebugging.None });
        Assert.Same(HeapDebugging.None, plain.Debugging);
    }

    /// <summary>Of a heap that was disposed of in time nothing is told.</summary>
    [Fact(Explicit = true)]
    public void Leak_to_the_end()
    {
        new NativeHeap().Dispose();
        _ = NativeHeap.Shared.Allocate(77);
    }

    [Fact(Explicit = true)]
    public void Fail_as_the_environment_says()
    {
        Assert.Throws<FormatException>(() => new NativeHeap());
        Assert.Throws<FormatException>(() => NativeHeap.Shared);
        Assert.Empty(VmemProcess.Heaps);
        new NativeHeap(new NativeHeapOptions { Debugging = HeapDebugging.Default }).Dispose();
        Environment.SetEnvironmentVariable(DebugVariable.Name, "audit");      // what was wrong once is not so for ever
        using NativeHeap heap = new();
        Assert.True(heap.Debugging.Owners);
    }
}
