using System.Runtime.InteropServices;
using Silk.NET.Core.Contexts;
using Silk.NET.Vulkan;
using Vmem.Samples;

namespace Vmem.Vulkan.Tests.Drivers;

/// <summary>A card with several memory types, made of a device that has one: functions in front of the driver's say that there are more,
/// and refuse, fail and lose the device when they are told to. Whatever they let pass, the driver does.</summary>
/// <remarks>The functions are static, so what they are told is, too: tests use this one after the other.</remarks>
internal sealed unsafe partial class SimulatedCard : IDisposable
{
    public const ulong HeapSize = 64 << 20;
    public const uint MaxAllocations = 100;

    private static readonly MemoryPropertyFlags[] s_types =
    [
        MemoryPropertyFlags.DeviceLocalBit,
        MemoryPropertyFlags.HostVisibleBit | MemoryPropertyFlags.HostCoherentBit,
        MemoryPropertyFlags.HostVisibleBit | MemoryPropertyFlags.HostCachedBit,                 // not coherent
    ];

    private static readonly string[] s_names =
    [
        "vkGetPhysicalDeviceMemoryProperties", "vkGetPhysicalDeviceMemoryProperties2", "vkGetBufferMemoryRequirements2", "vkAllocateMemory",
        "vkMapMemory", "vkFlushMappedMemoryRanges", "vkGetFenceStatus", "vkWaitForFences", "vkGetPhysicalDeviceProperties2",
        "vkResetFences",
    ];

    // The functions of the driver, in the same order.
    private static readonly nint[] s_real = new nint[s_names.Length];

    private static readonly ulong[] s_usage = new ulong[2];

    private static Action? s_allocating;

    private readonly Vk _vk;

    public SimulatedCard()
    {
        Exhausted = 0;
        MapResult = Result.Success;
        Flushed.Clear();
        Allocated.Clear();
        s_usage.AsSpan().Fill(HeapSize / 4);
        s_allocating = null;
        ForgetFences();
        Budget = HeapSize;
        PrefersDedicated = false;
        _vk = new Vk(new Context(Vk.GetApi().Context));
        Device = new HeadlessDevice(_vk, onSoftware: true).Open();
    }

    /// <summary>The memory types of which nothing more is to be had, as bits.</summary>
    public static uint Exhausted { get; set; }

    public static Result MapResult { get; set; }

    /// <summary>What VK_EXT_memory_budget says may be used of each heap.</summary>
    public static ulong Budget { get; set; }

    public static bool PrefersDedicated { get; set; }

    /// <summary>The ranges that were flushed.</summary>
    public static List<(ulong Offset, ulong Size)> Flushed { get; } = [];

    /// <summary>Of each memory that was asked for: whether shaders may know its address, and whether it is a resource's own.</summary>
    public static List<(bool HasAddress, bool IsDedicated)> Allocated { get; } = [];

    /// <summary>Called, once, as memory is asked for, before the driver hears of it.</summary>
    public static Action? Allocating
    {
        set => s_allocating = value;
    }

    public HeadlessDevice Device { get; }

    public GpuMemory NewMemory(GpuMemoryOptions? options = null) =>
        new(_vk, Device.PhysicalDevice, Device.Device, options ?? new GpuMemoryOptions { BlockSize = 1 << 20 });

    public void Dispose()
    {
        Device.Dispose();
        _vk.Dispose();
    }

    [UnmanagedCallersOnly]
    private static void GetMemoryProperties(PhysicalDevice device, PhysicalDeviceMemoryProperties* properties)
    {
        *properties = default;
        properties->MemoryHeapCount = 2;
        properties->MemoryHeaps[0] = new MemoryHeap { Size = HeapSize, Flags = MemoryHeapFlags.DeviceLocalBit };
        properties->MemoryHeaps[1] = new MemoryHeap { Size = HeapSize };
        properties->MemoryTypeCount = (uint)s_types.Length;
        for (int i = 0; i < s_types.Length; i++)
        {
            properties->MemoryTypes[i] = new MemoryType { PropertyFlags = s_types[i], HeapIndex = HeapOf((uint)i) };
        }
    }

    private static uint HeapOf(uint type) => type == 0 ? 0u : 1u;

    [UnmanagedCallersOnly]
    private static void GetMemoryProperties2(PhysicalDevice device, PhysicalDeviceMemoryProperties2* properties)
    {
        var budget = (PhysicalDeviceMemoryBudgetPropertiesEXT*)properties->PNext;
        for (int heap = 0; heap < 2; heap++)
        {
            budget->HeapBudget[heap] = Budget;
            budget->HeapUsage[heap] = Volatile.Read(ref s_usage[heap]);
        }
    }

    [UnmanagedCallersOnly]
    private static void GetProperties2(PhysicalDevice device, PhysicalDeviceProperties2* properties)
    {
        ((delegate* unmanaged<PhysicalDevice, PhysicalDeviceProperties2*, void>)s_real[8])(device, properties);
        properties->Properties.DeviceType = PhysicalDeviceType.DiscreteGpu;
        properties->Properties.Limits.MaxMemoryAllocationCount = MaxAllocations;
        properties->Properties.Limits.NonCoherentAtomSize = 128;
    }

    [UnmanagedCallersOnly]
    private static void GetBufferRequirements(Device device, BufferMemoryRequirementsInfo2* info, MemoryRequirements2* requirements)
    {
        ((delegate* unmanaged<Device, BufferMemoryRequirementsInfo2*, MemoryRequirements2*, void>)s_real[2])(device, info, requirements);
        requirements->MemoryRequirements.MemoryTypeBits = (1u << s_types.Length) - 1;
        ((MemoryDedicatedRequirements*)requirements->PNext)->PrefersDedicatedAllocation = PrefersDedicated;
    }

    // All types are the driver's only one.
    [UnmanagedCallersOnly]
    private static Result Allocate(Device device, MemoryAllocateInfo* info, AllocationCallbacks* callbacks, DeviceMemory* memory)
    {
        Interlocked.Exchange(ref s_allocating, null)?.Invoke();
        NoteChain((BaseInStructure*)info->PNext);
        MemoryAllocateInfo mine = *info;
        mine.MemoryTypeIndex = 0;
        var real = (delegate* unmanaged<Device, MemoryAllocateInfo*, AllocationCallbacks*, DeviceMemory*, Result>)s_real[3];
        bool isExhausted = (Exhausted >> (int)info->MemoryTypeIndex & 1) != 0;
        Result result = isExhausted ? Result.ErrorOutOfDeviceMemory : real(device, &mine, callbacks, memory);
        if (result == Result.Success)
        {
            _ = Interlocked.Add(ref s_usage[HeapOf(info->MemoryTypeIndex)], info->AllocationSize);
        }

        return result;
    }

    private static void NoteChain(BaseInStructure* first)
    {
        bool hasAddress = false;
        bool isDedicated = false;
        for (BaseInStructure* next = first; next != null; next = next->PNext)
        {
            hasAddress |= next->SType == StructureType.MemoryAllocateFlagsInfo
                && ((MemoryAllocateFlagsInfo*)next)->Flags.HasFlag(MemoryAllocateFlags.DeviceAddressBit);
            isDedicated |= next->SType == StructureType.MemoryDedicatedAllocateInfo;
        }

        lock (Allocated)
        {
            Allocated.Add((hasAddress, isDedicated));
        }
    }

    [UnmanagedCallersOnly]
    private static Result Map(Device device, DeviceMemory memory, ulong offset, ulong size, uint flags, void** address)
    {
        var real = (delegate* unmanaged<Device, DeviceMemory, ulong, ulong, uint, void**, Result>)s_real[4];
        return MapResult != Result.Success ? MapResult : real(device, memory, offset, size, flags, address);
    }

    [UnmanagedCallersOnly]
    private static Result Flush(Device device, uint count, MappedMemoryRange* ranges)
    {
        Flushed.Add((ranges->Offset, ranges->Size));
        return Result.Success;
    }

    private sealed class Context(INativeContext driver) : INativeContext
    {
        private static readonly nint[] s_ours =
        [
            (nint)(delegate* unmanaged<PhysicalDevice, PhysicalDeviceMemoryProperties*, void>)&GetMemoryProperties,
            (nint)(delegate* unmanaged<PhysicalDevice, PhysicalDeviceMemoryProperties2*, void>)&GetMemoryProperties2,
            (nint)(delegate* unmanaged<Device, BufferMemoryRequirementsInfo2*, MemoryRequirements2*, void>)&GetBufferRequirements,
            (nint)(delegate* unmanaged<Device, MemoryAllocateInfo*, AllocationCallbacks*, DeviceMemory*, Result>)&Allocate,
            (nint)(delegate* unmanaged<Device, DeviceMemory, ulong, ulong, uint, void**, Result>)&Map,
            (nint)(delegate* unmanaged<Device, uint, MappedMemoryRange*, Result>)&Flush,
            (nint)(delegate* unmanaged<Device, Fence, Result>)&FenceStatus,
            (nint)(delegate* unmanaged<Device, uint, Fence*, uint, ulong, Result>)&WaitForFences,
            (nint)(delegate* unmanaged<PhysicalDevice, PhysicalDeviceProperties2*, void>)&GetProperties2,
            (nint)(delegate* unmanaged<Device, uint, Fence*, Result>)&ResetFences,
        ];

        public nint GetProcAddress(string proc, int? slot = null) => Ours(proc, driver.GetProcAddress(proc, slot));

        public bool TryGetProcAddress(string proc, out nint addr, int? slot = null)
        {
            bool isFound = driver.TryGetProcAddress(proc, out addr, slot);
            addr = isFound ? Ours(proc, addr) : addr;
            return isFound;
        }

        public void Dispose() => driver.Dispose();

        private static nint Ours(string name, nint real)
        {
            int index = Array.IndexOf(s_names, name);
            if (index < 0)
            {
                return real;
            }

            s_real[index] = real;
            return s_ours[index];
        }
    }
}
