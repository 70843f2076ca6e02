using Vmem.Tool.Blocks;

namespace Vmem.Tool.Tests.Commands;

/// <summary>What memory there is to be had, as the files of both versions of control groups say it.</summary>
public sealed class AvailableMemoryTests : IDisposable
{
    private const ulong Mebibyte = 1 << 20;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Without_a_container_it_is_the_machines()
    {
        Write("proc/meminfo", "MemTotal:       24684000 kB\nMemFree:          100000 kB\nMemAvailable:      204800 kB\n");
        Assert.Equal(new AvailableMemory(200 * Mebibyte, null), Read());
        Assert.Equal(200 * Mebibyte, Read()!.Bytes);
    }

    [Fact]
    public void Every_group_above_has_a_limit_and_the_least_counts()
    {
        Write("proc/meminfo", "MemAvailable:      2048000 kB\n");
        Write("proc/self/cgroup", "0::/a/b\n");
        Write("sys/fs/cgroup/a/b/memory.max", "max\n");
        Write("sys/fs/cgroup/a/memory.max", $"{300 * Mebibyte}\n");
        Write("sys/fs/cgroup/a/memory.current", $"{250 * Mebibyte}\n");
        Write("sys/fs/cgroup/a/memory.stat", $"anon 1\ninactive_file {100 * Mebibyte}\nactive_file 7\n");
        Assert.Equal(new AvailableMemory(2000 * Mebibyte, 150 * Mebibyte), Read());
        Assert.Equal(150 * Mebibyte, Read()!.Bytes);
    }

    [Fact]
    public void The_first_version_has_a_folder_for_memory_and_a_number_for_no_limit()
    {
        Write("proc/meminfo", "MemAvailable:      2048000 kB\n");
        Write("proc/self/cgroup", "5:cpu:/x\n4:hugetlb,memory:/pod\n0::/\n");
        Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        Write("sys/fs/cgroup/memory/pod/memory.limit_in_bytes", $"{64 * Mebibyte}\n");
        Write("sys/fs/cgroup/memory/pod/memory.usage_in_bytes", $"{80 * Mebibyte}\n");
        Assert.Equal(new AvailableMemory(2000 * Mebibyte, 0), Read());
    }

    [Fact]
    public void A_container_that_sees_only_itself_has_its_limit_at_the_top()
    {
        Write("proc/meminfo", "MemAvailable:      2048000 kB\n");
        Write("proc/self/cgroup", "0::/docker/123\n");
        Write("sys/fs/cgroup/memory.max", $"{64 * Mebibyte}\n");
        Write("sys/fs/cgroup/memory.current", $"{4 * Mebibyte}\n");
        Assert.Equal(60 * Mebibyte, Read()!.Container);
    }

    [Fact]
    public void A_system_that_does_not_tell_is_not_guessed_at() => Assert.Null(Read());

    private AvailableMemory? Read() => AvailableMemory.Read(_folder.PathOf("."));

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.PathOf(path))!);
        _folder.Write(path, text);
    }
}
