using Vmem.Benchmarks.Peers;

namespace Vmem.Benchmarks.Tests;

public class RangePeerTests
{
    [Fact]
    public void A_library_that_lacks_a_function_is_refused_by_the_name_of_the_function()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "It needs a library that is on every machine.");
        string path = Directory.EnumerateFiles(AppContext.BaseDirectory, "libSystem.Native.so", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "libSystem.Native.so"))
            .First();

        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => RangePeer.Load(path));

        Assert.Contains("does not export vmem_peer_name", error.Message, StringComparison.Ordinal);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_there_is_refused_with_its_path()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "no-such-peer.so");

        InvalidOperationException error = Assert.Throws<InvalidOperationException>(() => RangePeer.Load(path));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }
}
