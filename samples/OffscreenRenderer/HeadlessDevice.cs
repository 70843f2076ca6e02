using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Silk.NET.Core;
using Silk.NET.Vulkan;

namespace Vmem.Samples;

/// <summary>A Vulkan device without a window: an instance, one queue for graphics and copies, a pool of commands.</summary>
/// <param name="vk">The functions.</param>
/// <param name="onSoftware">Prefers a device of software, if there is one: the same on every machine. Else prefers a card.</param>
internal sealed unsafe class HeadlessDevice(Vk vk, bool onSoftware = false) : IDisposable
{
    private Instance _instance;
    private Device _device;
    private CommandPool _commands;

    public Vk Vk => vk;

    public Instance Instance => _instance;

    public PhysicalDevice PhysicalDevice { get; private set; }

    public Device Device => _device;

    public Queue Queue { get; private set; }

    public uint QueueFamily { get; private set; }

    public string Name { get; private set; } = "";

    /// <summary>Makes all of it.</summary>
    /// <param name="layers">Layers to enable.</param>
    /// <param name="extensions">Extensions of the instance to enable.</param>
    /// <exception cref="InvalidOperationException">There is no such device.</exception>
    public HeadlessDevice Open(string[]? layers = null, string[]? extensions = null)
    {
        try
        {
            OpenInstance(layers ?? [], extensions ?? []);
            Choose();
            OpenDevice();
            return this;
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Records commands that are submitted once.</summary>
    public CommandBuffer Record(Action<CommandBuffer> record)
    {
        var allocate = new CommandBufferAllocateInfo
        {
            SType = StructureType.CommandBufferAllocateInfo,
            CommandPool = _commands,
            Level = CommandBufferLevel.Primary,
            CommandBufferCount = 1,
        };
        CommandBuffer commands;
        Check(vk.AllocateCommandBuffers(_device, &allocate, &commands));
        var begin = new CommandBufferBeginInfo
        {
            SType = StructureType.CommandBufferBeginInfo,
            Flags = CommandBufferUsageFlags.OneTimeSubmitBit,
        };
        Check(vk.BeginCommandBuffer(commands, &begin));
        record(commands);
        Check(vk.EndCommandBuffer(commands));
        return commands;
    }

    public void Submit(CommandBuffer commands, Fence fence)
    {
        var submit = new SubmitInfo { SType = StructureType.SubmitInfo, CommandBufferCount = 1, PCommandBuffers = &commands };
        Check(vk.QueueSubmit(Queue, 1, &submit, fence));
    }

    /// <summary>Records, submits, and waits until it is done.</summary>
    public void Run(Action<CommandBuffer> record)
    {
        CommandBuffer commands = Record(record);
        Submit(commands, default);
        Check(vk.QueueWaitIdle(Queue));
        vk.FreeCommandBuffers(_device, _commands, 1, &commands);
    }

    public void Dispose()
    {
        if (_device.Handle != 0)
        {
            _ = vk.DeviceWaitIdle(_device);
            vk.DestroyCommandPool(_device, _commands, null);
            vk.DestroyDevice(_device, null);
        }

        if (_instance.Handle != 0)
        {
            vk.DestroyInstance(_instance, null);
        }

        (_device, _instance) = (default, default);
    }

    public static void Check(Result result, [CallerArgumentExpression(nameof(result))] string call = "")
    {
        if (result < Result.Success)
        {
            throw new InvalidOperationException($"{call}: {result}");
        }
    }

    private void OpenInstance(string[] layers, string[] extensions)
    {
        using var names = new NativeStrings(layers);
        using var extensionNames = new NativeStrings(extensions);
        var application = new ApplicationInfo { SType = StructureType.ApplicationInfo, ApiVersion = Vk.Version11 };
        var info = new InstanceCreateInfo
        {
            SType = StructureType.InstanceCreateInfo,
            PApplicationInfo = &application,
            EnabledLayerCount = (uint)layers.Length,
            PpEnabledLayerNames = names.Pointers,
            EnabledExtensionCount = (uint)extensions.Length,
            PpEnabledExtensionNames = extensionNames.Pointers,
        };
        Instance instance;
        Check(vk.CreateInstance(&info, null, &instance));
        _instance = instance;
        vk.CurrentInstance = instance;
    }

    private void Choose()
    {
        uint count = 0;
        Check(vk.EnumeratePhysicalDevices(_instance, &count, null));
        var devices = new PhysicalDevice[count];
        fixed (PhysicalDevice* first = devices)
        {
            Check(vk.EnumeratePhysicalDevices(_instance, &count, first));
        }

        bool IsSoftware(PhysicalDevice device) => vk.GetPhysicalDeviceProperties(device).DeviceType == PhysicalDeviceType.Cpu;
        foreach (PhysicalDevice device in devices.OrderBy(device => IsSoftware(device) != onSoftware))
        {
            uint families = 0;
            vk.GetPhysicalDeviceQueueFamilyProperties(device, &families, null);
            var properties = new QueueFamilyProperties[families];
            fixed (QueueFamilyProperties* first = properties)
            {
                vk.GetPhysicalDeviceQueueFamilyProperties(device, &families, first);
            }

            for (int i = 0; i < properties.Length; i++)
            {
                if (properties[i].QueueFlags.HasFlag(QueueFlags.GraphicsBit))
                {
                    (PhysicalDevice, QueueFamily) = (device, (uint)i);
                    PhysicalDeviceProperties chosen = vk.GetPhysicalDeviceProperties(device);
                    Name = Encoding.UTF8.GetString(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(chosen.DeviceName));
                    return;
                }
            }
        }

        throw new InvalidOperationException("There is no Vulkan device with a queue for graphics. On Debian, mesa-vulkan-drivers has one of software.");
    }

    private void OpenDevice()
    {
        float priority = 1;
        var queue = new DeviceQueueCreateInfo
        {
            SType = StructureType.DeviceQueueCreateInfo,
            QueueFamilyIndex = QueueFamily,
            QueueCount = 1,
            PQueuePriorities = &priority,
        };
        var info = new DeviceCreateInfo { SType = StructureType.DeviceCreateInfo, QueueCreateInfoCount = 1, PQueueCreateInfos = &queue };
        Device device;
        Check(vk.CreateDevice(PhysicalDevice, &info, null, &device));
        _device = device;
        vk.CurrentDevice = device;
        Queue first;
        vk.GetDeviceQueue(device, QueueFamily, 0, &first);
        Queue = first;
        var pool = new CommandPoolCreateInfo { SType = StructureType.CommandPoolCreateInfo, QueueFamilyIndex = QueueFamily };
        CommandPool commands;
        Check(vk.CreateCommandPool(device, &pool, null, &commands));
        _commands = commands;
    }

    /// <summary>Strings for a driver, for the length of a call.</summary>
    private readonly struct NativeStrings : IDisposable
    {
        private readonly int _count;

        public NativeStrings(string[] strings)
        {
            _count = strings.Length;
            Pointers = (byte**)NativeMemory.AllocZeroed((nuint)_count + 1, (nuint)sizeof(byte*));
            for (int i = 0; i < _count; i++)
            {
                Pointers[i] = (byte*)Marshal.StringToCoTaskMemUTF8(strings[i]);
            }
        }

        public byte** Pointers { get; }

        public void Dispose()
        {
            for (int i = 0; i < _count; i++)
            {
                Marshal.FreeCoTaskMem((nint)Pointers[i]);
            }

            NativeMemory.Free(Pointers);
        }
    }
}
