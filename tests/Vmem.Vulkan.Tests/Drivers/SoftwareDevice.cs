using System.Runtime.InteropServices;
using Silk.NET.Vulkan;
using Vmem.Samples;

namespace Vmem.Vulkan.Tests.Drivers;

/// <summary>Mesa's lavapipe below Khronos' validation layer: a complete Vulkan without a card. Whatever the layer finds wrong fails the
/// test.</summary>
public sealed unsafe class SoftwareDevice : IDisposable
{
    private const string ValidationLayer = "VK_LAYER_KHRONOS_validation";
    private const string DebugExtension = "VK_EXT_debug_utils";

    private readonly List<string> _faults = [];
    private readonly DebugUtilsMessengerCallbackFunctionEXT _callback;
    private readonly DebugUtilsMessengerEXT _messenger;
    private readonly Vk? _vk;
    private readonly HeadlessDevice? _device;

    public SoftwareDevice()
    {
        _callback = Note;
        try
        {
            _vk = Vk.GetApi();
            _device = new HeadlessDevice(_vk, onSoftware: true).Open([ValidationLayer], [DebugExtension]);
        }
        catch (Exception e) when (e is FileNotFoundException or InvalidOperationException)
        {
            return;                               // there is no Vulkan here: each test says so
        }

        var info = new DebugUtilsMessengerCreateInfoEXT
        {
            SType = StructureType.DebugUtilsMessengerCreateInfoExt,
            MessageSeverity = DebugUtilsMessageSeverityFlagsEXT.ErrorBitExt | DebugUtilsMessageSeverityFlagsEXT.WarningBitExt,
            MessageType = DebugUtilsMessageTypeFlagsEXT.ValidationBitExt,
            PfnUserCallback = new PfnDebugUtilsMessengerCallbackEXT(_callback),
        };
        var create = (delegate* unmanaged<Instance, DebugUtilsMessengerCreateInfoEXT*, void*, DebugUtilsMessengerEXT*, Result>)
            Function("vkCreateDebugUtilsMessengerEXT");
        DebugUtilsMessengerEXT messenger;
        HeadlessDevice.Check(create(_device.Instance, &info, null, &messenger));
        _messenger = messenger;
    }

    internal HeadlessDevice Device
    {
        get
        {
            Assert.SkipWhen(_device is null, "needs Vulkan: apt-get install libvulkan1 mesa-vulkan-drivers vulkan-validationlayers");
            return _device;
        }
    }

    /// <summary>Memory of the device, and what the driver holds for it.</summary>
    internal TestMemory NewMemory(GpuMemoryOptions? options = null) => new(this, options ?? new GpuMemoryOptions());

    /// <summary>What the layer has found wrong since the last call.</summary>
    public IReadOnlyList<string> TakeFaults()
    {
        lock (_faults)
        {
            string[] faults = [.. _faults];
            _faults.Clear();
            return faults;
        }
    }

    public void Dispose()
    {
        if (_device is not null)
        {
            var destroy = (delegate* unmanaged<Instance, DebugUtilsMessengerEXT, void*, void>)Function("vkDestroyDebugUtilsMessengerEXT");
            destroy(_device.Instance, _messenger, null);
            _device.Dispose();
        }

        _vk?.Dispose();
        GC.KeepAlive(_callback);
    }

    private nint Function(string name) => (nint)_vk!.GetInstanceProcAddr(_device!.Instance, name).Handle;

    private uint Note(
        DebugUtilsMessageSeverityFlagsEXT severity,
        DebugUtilsMessageTypeFlagsEXT type,
        DebugUtilsMessengerCallbackDataEXT* data,
        void* user)
    {
        lock (_faults)
        {
            _faults.Add(Marshal.PtrToStringUTF8((nint)data->PMessage) ?? "");
        }

        return 0;
    }
}

/// <summary>All tests of this collection share the device, one after the other.</summary>
[CollectionDefinition(Name)]
public sealed class SoftwareDeviceTests : ICollectionFixture<SoftwareDevice>
{
    public const string Name = "the software device";
}
