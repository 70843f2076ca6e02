using Silk.NET.Vulkan;
using Vmem.Benchmarks.Measurement;
using Vmem.Benchmarks.Reports;
using Vmem.Benchmarks.Workloads;
using Vmem.Samples;
using Vmem.Vulkan;
using Vmem.Vulkan.Tests.Drivers;

namespace Vmem.Benchmarks.Studies;

/// <summary>What an allocation of device memory costs, on Mesa's device of software.</summary>
internal sealed class GpuStudy : IStudy
{
    private const int Pairs = 1_000_000;
    private const int Live = 1_000;
    private const int DriverPairs = 2_000;
    private const ulong Size = 4096;

    public string Name => "gpu";

    public string Description => "GpuMemory on a Vulkan device of software: 10^6 allocations and frees, and what the driver still holds.";

    public StudyReport Run(StudyContext context)
    {
        var report = new StudyReport(
            Name,
            "Device memory",
            "10^6 allocations of 4 KiB aligned to 256, each freed at once; the same with 1,000 live ones of 256 bytes to 64 KiB that are replaced at random; aligned to 4 KiB, which is a search; buffers with memory; and vkAllocateMemory and vkFreeMemory alone. Times are those of the thread's processor. The device is Mesa's lavapipe.");
        int runs = context.Settings.Runs ?? 5;
        using var vk = Vk.GetApi();
        using HeadlessDevice device = new HeadlessDevice(vk, onSoftware: true).Open();
        using var count = new DriverCount();
        double[] medians;
        using (var memory = new GpuMemory(vk, device.PhysicalDevice, device.Device, new() { AllocationCallbacks = count.Address }))
        {
            using var arena = new Arena<ulong>("bench", 0, 1UL << 28, 256);
            Func<double>[] subjects =
            [
                () => Hot(memory, 256), () => Replaced(memory), () => Hot(memory, Size), () => Buffers(memory),
                () => Bare(device), () => Alone(arena),
            ];
            medians = [.. Rounds.InTurns(subjects, runs, one => one()).Select(Rounds.Median)];
        }

        report.Add(new ReportTable($"ns of processor time a pair, median of {runs}, on {device.Name}", ["what", "ns"],
            [
                ["allocate and free at once", Cells.Nanoseconds(medians[0])],
                [$"{Live:N0} live, replaced at random", Cells.Nanoseconds(medians[1])],
                ["allocate and free at once, aligned to 4 KiB", Cells.Nanoseconds(medians[2])],
                ["buffer with memory", Cells.Nanoseconds(medians[3])],
                ["vkAllocateMemory, vkFreeMemory", Cells.Nanoseconds(medians[4])],
                ["an arena alone: allocate and free at once", Cells.Nanoseconds(medians[5])],
            ]));
        report.Add(new Bar("an allocation and a free, 10^6 of them", "200 ns", 200, medians[0], "ns"));
        report.Add(new Bar("the same beside 1,000 live ones", "200 ns", 200, medians[1], "ns"));
        report.Add(new Bar("what the driver holds in the end", "0", 0, count.Held, "blocks"));
        context.Progress($"hot {Cells.Nanoseconds(medians[0])}, replaced {Cells.Nanoseconds(medians[1])}, "
            + $"aligned {Cells.Nanoseconds(medians[2])}, buffer {Cells.Nanoseconds(medians[3])}, "
            + $"driver {Cells.Nanoseconds(medians[4])}, an arena {Cells.Nanoseconds(medians[5])} ns; held {count.Held}");
        return report;
    }

    private static double Hot(GpuMemory memory, ulong alignment)
    {
        var requirements = new MemoryRequirements { Size = Size, Alignment = alignment, MemoryTypeBits = uint.MaxValue };
        long begin = ThreadClock.Now();
        for (int i = 0; i < Pairs; i++)
        {
            memory.Free(memory.Allocate(requirements, GpuResourceKind.Linear));
        }

        return (double)(ThreadClock.Now() - begin) / Pairs;
    }

    private static double Alone(Arena<ulong> arena)
    {
        long begin = ThreadClock.Now();
        for (int i = 0; i < Pairs; i++)
        {
            arena.Free(arena.Allocate(Size), Size);
        }

        return (double)(ThreadClock.Now() - begin) / Pairs;
    }

    private static double Replaced(GpuMemory memory)
    {
        var random = new Xorshift64(Xorshift64.DefaultSeed);
        var live = new GpuAllocation[Live];
        for (int i = 0; i < Live; i++)
        {
            live[i] = Allocate(memory, ref random);
        }

        long begin = ThreadClock.Now();
        for (int i = 0; i < Pairs; i++)
        {
            ref GpuAllocation one = ref live[random.Next() % Live];
            memory.Free(one);
            one = Allocate(memory, ref random);
        }

        double time = (double)(ThreadClock.Now() - begin) / Pairs;
        foreach (GpuAllocation one in live)
        {
            memory.Free(one);
        }

        return time;
    }

    private static GpuAllocation Allocate(GpuMemory memory, ref Xorshift64 random) => memory.Allocate(
        new MemoryRequirements { Size = 256 + random.Next() % (64 * 1024 - 256), Alignment = 256, MemoryTypeBits = uint.MaxValue },
        GpuResourceKind.Linear);

    private static double Buffers(GpuMemory memory)
    {
        long begin = ThreadClock.Now();
        for (int i = 0; i < Pairs / 10; i++)
        {
            memory.CreateBuffer(Size, BufferUsageFlags.VertexBufferBit).Dispose();
        }

        return (double)(ThreadClock.Now() - begin) / (Pairs / 10);
    }

    private static unsafe double Bare(HeadlessDevice device)
    {
        var info = new MemoryAllocateInfo { SType = StructureType.MemoryAllocateInfo, AllocationSize = Size };
        long begin = ThreadClock.Now();
        for (int i = 0; i < DriverPairs; i++)
        {
            DeviceMemory memory;
            HeadlessDevice.Check(device.Vk.AllocateMemory(device.Device, &info, null, &memory));
            device.Vk.FreeMemory(device.Device, memory, null);
        }

        return (double)(ThreadClock.Now() - begin) / DriverPairs;
    }
}
