using System.Diagnostics.CodeAnalysis;
using Silk.NET.Vulkan;
using Vmem.Checks;
using Buffer = Silk.NET.Vulkan.Buffer;

namespace Vmem.Vulkan.Calls;

/// <summary>The device: what it says of its memory, and the calls that take memory from it and give it back.</summary>
/// <remarks>
/// <para>Every vkAllocateMemory and vkFreeMemory of the package is here, so that limits and counts hold for all of them.</para>
/// <para>
/// Memory is taken by one thread at a time, from the look at the limits to the answer of the driver. Rejected: to reserve first and give
/// back what the driver refuses. For that moment others were refused although there was room. And two threads passed a budget together,
/// as the driver knew of neither yet. Frees do not wait for the gate: they only make room.
/// </para>
/// </remarks>
internal sealed unsafe class GpuDevice
{
    // What may be used of a heap if the driver does not say: VMA's figure. Other programs and the driver need some, too.
    private const ulong BudgetPercent = 80;

    private readonly AllocationCallbacks* _callbacks;
    private readonly DeviceTerms _terms;
    private readonly Gate _taking = new();
    private readonly long[] _heapBytes;           // what is added is added under the gate
    private long _allocations;

    /// <exception cref="VulkanException">The device is older than Vulkan 1.1.</exception>
    public GpuDevice(Vk vk, PhysicalDevice physicalDevice, Device device, DeviceTerms terms)
    {
        Vk = vk;
        PhysicalDevice = physicalDevice;
        Handle = device;
        _terms = terms;
        _callbacks = (AllocationCallbacks*)terms.Callbacks;
        PhysicalDeviceProperties first;
        vk.GetPhysicalDeviceProperties(physicalDevice, &first);
        if (first.ApiVersion < Vk.Version11)
        {
            throw new VulkanException(Result.ErrorIncompatibleDriver, "The device does not support Vulkan 1.1, which this package needs.");
        }

        var sizes = new PhysicalDeviceMaintenance3Properties { SType = StructureType.PhysicalDeviceMaintenance3Properties };
        var properties = new PhysicalDeviceProperties2 { SType = StructureType.PhysicalDeviceProperties2, PNext = &sizes };
        vk.GetPhysicalDeviceProperties2(physicalDevice, &properties);
        Properties = properties.Properties;
        MaxAllocationSize = sizes.MaxMemoryAllocationSize;
        PhysicalDeviceMemoryProperties memory;
        vk.GetPhysicalDeviceMemoryProperties(physicalDevice, &memory);
        Types = new MemoryType[memory.MemoryTypeCount];
        for (int i = 0; i < Types.Length; i++)
        {
            Types[i] = memory.MemoryTypes[i];
        }

        Heaps = new MemoryHeap[memory.MemoryHeapCount];
        for (int i = 0; i < Heaps.Length; i++)
        {
            Heaps[i] = memory.MemoryHeaps[i];
        }

        _heapBytes = new long[Heaps.Length];
    }

    public Vk Vk { get; }

    public PhysicalDevice PhysicalDevice { get; }

    public Device Handle { get; }

    public AllocationCallbacks* Callbacks => _callbacks;

    public PhysicalDeviceProperties Properties { get; }

    public ulong MaxAllocationSize { get; }

    public MemoryType[] Types { get; }

    public MemoryHeap[] Heaps { get; }

    public bool IsIntegrated => Properties.DeviceType == PhysicalDeviceType.IntegratedGpu;

    /// <summary>Whether writes of the host to this type must be flushed, and invalidated before reads.</summary>
    public bool NeedsFlush(int type) =>
        Types[type].PropertyFlags.HasFlag(MemoryPropertyFlags.HostVisibleBit)
        && !Types[type].PropertyFlags.HasFlag(MemoryPropertyFlags.HostCoherentBit);

    /// <summary>How much of a heap this object has taken, in bytes.</summary>
    public ulong HeapBytes(int heap) => (ulong)Volatile.Read(ref _heapBytes[heap]);

    /// <summary>Takes a block, and maps it if the host can see it.</summary>
    /// <param name="type">The memory type.</param>
    /// <param name="size">Its size in bytes.</param>
    /// <param name="buffer">The buffer that it is dedicated to; none by default.</param>
    /// <param name="image">The image that it is dedicated to; none by default.</param>
    /// <param name="block">The block.</param>
    /// <returns>False, and nothing is held, if there is no memory, or a limit would be passed.</returns>
    /// <exception cref="VulkanException">The driver failed in another way; nothing is held.</exception>
    public bool TryAllocate(int type, ulong size, Buffer buffer, Image image, [NotNullWhen(true)] out MemoryBlock? block)
    {
        block = null;
        int heap = (int)Types[type].HeapIndex;
        var made = new MemoryBlock(type, size);
        using Gate.Scope scope = _taking.EnterScope();
        if (HasRoom(heap, size) && TryAllocate(made, buffer, image))
        {
            _ = Interlocked.Add(ref _heapBytes[heap], (long)size);
            _ = Interlocked.Increment(ref _allocations);
            block = made;
        }

        return block is not null;
    }

    /// <summary>Gives a block back. Its mapping ends with it.</summary>
    public void Free(MemoryBlock block)
    {
        Vk.FreeMemory(Handle, block.Handle, _callbacks);
        _ = Interlocked.Add(ref _heapBytes[Types[block.Type].HeapIndex], -(long)block.Size);
        _ = Interlocked.Decrement(ref _allocations);
    }

    /// <summary>What a heap may be used for, and how much of it the process uses, in bytes.</summary>
    public (ulong Budget, ulong Usage) BudgetOf(int heap)
    {
        if (!_terms.HasBudget)
        {
            return (Heaps[heap].Size / 100 * BudgetPercent, HeapBytes(heap));
        }

        var budget = new PhysicalDeviceMemoryBudgetPropertiesEXT { SType = StructureType.PhysicalDeviceMemoryBudgetPropertiesExt };
        var memory = new PhysicalDeviceMemoryProperties2 { SType = StructureType.PhysicalDeviceMemoryProperties2, PNext = &budget };
        Vk.GetPhysicalDeviceMemoryProperties2(PhysicalDevice, &memory);
        return (budget.HeapBudget[heap], budget.HeapUsage[heap]);
    }

    private bool TryAllocate(MemoryBlock block, Buffer buffer, Image image)
    {
        var flags = new MemoryAllocateFlagsInfo
        {
            SType = StructureType.MemoryAllocateFlagsInfo,
            Flags = MemoryAllocateFlags.DeviceAddressBit,
        };
        var dedicated = new MemoryDedicatedAllocateInfo
        {
            SType = StructureType.MemoryDedicatedAllocateInfo,
            PNext = _terms.DeviceAddress ? &flags : null,
            Buffer = buffer,
            Image = image,
        };
        var info = new MemoryAllocateInfo
        {
            SType = StructureType.MemoryAllocateInfo,
            PNext = buffer.Handle != 0 || image.Handle != 0 ? &dedicated : dedicated.PNext,
            AllocationSize = block.Size,
            MemoryTypeIndex = (uint)block.Type,
        };
        DeviceMemory memory;
        if (IsShortage(Vk.AllocateMemory(Handle, &info, _callbacks, &memory), "vkAllocateMemory"))
        {
            return false;
        }

        block.Handle = memory;
        void* address = null;
        bool isMapped = false;
        try
        {
            isMapped = !Types[block.Type].PropertyFlags.HasFlag(MemoryPropertyFlags.HostVisibleBit)
                || !IsShortage(Vk.MapMemory(Handle, memory, 0, Vk.WholeSize, 0, &address), "vkMapMemory");
        }
        finally
        {
            if (!isMapped)
            {
                Vk.FreeMemory(Handle, memory, _callbacks);
            }
        }

        block.Address = (nint)address;
        return isMapped;
    }

    private static bool IsShortage(Result result, string call)
    {
        bool isShortage = result is Result.ErrorOutOfDeviceMemory or Result.ErrorOutOfHostMemory or Result.ErrorTooManyObjects
            or Result.ErrorMemoryMapFailed;
        if (!isShortage)
        {
            VulkanException.Check(result, call);
        }

        return isShortage;
    }

    private bool HasRoom(int heap, ulong size)
    {
        ulong limit = heap < _terms.HeapLimits.Count && _terms.HeapLimits[heap] > 0 ? _terms.HeapLimits[heap] : ulong.MaxValue;
        return size <= MaxAllocationSize
            && Volatile.Read(ref _allocations) < Properties.Limits.MaxMemoryAllocationCount
            && Fits(size, HeapBytes(heap), limit)
            && (!_terms.StaysWithinBudget || FitsBudget(heap, size));
    }

    private bool FitsBudget(int heap, ulong size)
    {
        (ulong budget, ulong usage) = BudgetOf(heap);
        return Fits(size, usage, budget);
    }

    private static bool Fits(ulong size, ulong usage, ulong limit) => usage <= limit && size <= limit - usage;
}
