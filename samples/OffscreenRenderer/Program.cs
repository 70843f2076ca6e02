using Silk.NET.Vulkan;
using Vmem.Samples;
using Vmem.Vulkan;

// A renderer without a window: some frames are drawn, and the last one is written as PNG.
const int Width = 256;
const int Height = 256;
const int Frames = 60;

string file = args is [string name, ..] ? name : "triangle.png";
using var vk = Vk.GetApi();
using HeadlessDevice device = new HeadlessDevice(vk).Open();
Console.Error.WriteLine($"on {device.Name}");
long leaks = 0;
using (var memory = new GpuMemory(vk, device.PhysicalDevice, device.Device, new() { Leaked = leak => leaks = leak.Allocations }))
{
    using (var renderer = new Renderer(device, memory, Width, Height))
    {
        for (int frame = 1; frame <= Frames; frame++)
        {
            renderer.Draw(frame * float.Tau / Frames);
        }

        ReadOnlySpan<byte> pixels = renderer.Read();
        using FileStream stream = File.Create(file);
        PngFile.Write(stream, pixels, Width, Height);
        string middle = Colour(pixels, Width / 2, Height / 2);
        Console.WriteLine($"{Frames} frames, the last one {Width} x {Height}: corner {Colour(pixels, 0, 0)}, middle {middle}");
        Console.WriteLine($"drawn over: {CountDrawn(pixels):N0} of {Width * Height:N0} pixels");
    }

    memory.Frames.Collect();
    Console.WriteLine($"frames the device has done: {memory.Frames.Completed}");
    Console.WriteLine($"allocations left: {memory.GetStatistics().Sum(type => type.AllocationCount)}");
}

Console.WriteLine($"leaks: {leaks}");

static string Colour(ReadOnlySpan<byte> pixels, int x, int y) => Convert.ToHexString(pixels.Slice((y * Width + x) * 4, 3));

static int CountDrawn(ReadOnlySpan<byte> pixels)
{
    int drawn = 0;
    for (int i = 0; i < pixels.Length; i += 4)
    {
        drawn += pixels.Slice(i, 4).SequenceEqual(pixels[..4]) ? 0 : 1;
    }

    return drawn;
}
