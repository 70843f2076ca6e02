using Vmem;
using Vmem.Samples;

// A level of a game: meshes come and go, every frame uploads something and sets constants, and in the end a large texture is wanted.
const uint MiB = 1024 * 1024;
const int Frames = 600;

var random = new Random(Seed: 7);
using var buffer = new GpuBuffer(16 * MiB);
var meshes = new List<RangeHandle<uint>>();
while (buffer.Offsets.GetStatistics().InUse < 13 * MiB)
{
    LoadMesh();
}

uint straddling = 0;
for (int frame = 0; frame < Frames; frame++)
{
    for (int upload = 0; upload < 3; upload++)
    {
        if (buffer.TryAllocate((uint)random.Next(4 * 1024, 48 * 1024), out RangeHandle<uint> staging))
        {
            buffer.Retire(staging);
        }
    }

    for (int draw = 0; draw < 8; draw++)
    {
        uint size = (uint)random.Next(64, 4096);
        uint start = buffer.AllocateConstants(size);
        straddling += start / GpuBuffer.ConstantWindow == (start + size - 1) / GpuBuffer.ConstantWindow ? 0u : 1u;
    }

    if (frame % 10 == 0)
    {
        UnloadMesh();
        LoadMesh();
    }

    buffer.EndFrame();
}

ArenaStatistics<uint> figures = buffer.Offsets.GetStatistics();
Console.WriteLine($"{Frames} frames: {figures.Allocations:N0} allocations, {figures.Frees:N0} frees, {figures.Failures} failures, at most {figures.PeakInUse / (double)MiB:F2} MiB in use");
Console.WriteLine($"blocks of constants that straddle a window: {straddling}");
buffer.WaitIdle();
Show("after the last frame");
for (int remaining = meshes.Count / 2; remaining > 0; remaining--)
{
    UnloadMesh();
}

buffer.WaitIdle();
Show("half of the meshes unloaded");

const uint TextureSize = 6 * MiB;
Console.WriteLine();
Console.WriteLine($"A texture of 6 MiB fits: {buffer.TryAllocate(TextureSize, out _)}. {buffer.Offsets.Explain(TextureSize)}");
if (args is [string snapshotFile])
{
    File.WriteAllText(snapshotFile, buffer.Offsets.Snapshot().ToJson());
    Console.WriteLine($"The buffer at this moment is in {snapshotFile}; \"vmem map\" draws it.");
}

RangeHandle<uint>[] ranges = [.. meshes.OrderBy(mesh => mesh.Start)];
byte[] contents = [.. ranges.Select(mesh => buffer.Contents(mesh)[0])];   // every byte of a mesh is the same here
RangeHandle<uint> stale = ranges[0];
ulong copied = buffer.Defragment(ranges);
bool intact = ranges.Zip(contents).All(mesh => !buffer.Contents(mesh.First).ContainsAnyExcept(mesh.Second));
Console.WriteLine($"Defragmented: {copied / (double)MiB:F2} MiB copied, contents intact: {intact}.");
Show("defragmented");
Console.WriteLine($"A texture of 6 MiB fits: {buffer.TryAllocate(TextureSize, out RangeHandle<uint> texture)}, at offset {texture.Start}.");
try
{
    buffer.Offsets.Free(stale);
}
catch (InvalidFreeException e)
{
    Console.WriteLine($"A handle from before: {e.Message}");
}

Console.WriteLine();
buffer.Offsets.Validate();
buffer.Offsets.Dump(Console.Out);

void LoadMesh()
{
    if (buffer.TryAllocate((uint)random.Next(64 * 1024, 1024 * 1024), out RangeHandle<uint> mesh))
    {
        buffer.Contents(mesh).Fill((byte)random.Next(256));
        meshes.Add(mesh);
    }
}

void UnloadMesh()
{
    int victim = random.Next(meshes.Count);
    buffer.Retire(meshes[victim]);
    meshes.RemoveAt(victim);
}

void Show(string moment)
{
    ArenaStatistics<uint> now = buffer.Offsets.GetStatistics();
    Console.WriteLine(
        $"{moment + ":",-30}{now.InUse / (double)MiB,6:F2} MiB in use, {now.Free / (double)MiB,6:F2} free in {now.FreeSegments,3} pieces, " +
        $"the largest {now.LargestFree / (double)MiB:F2}; fragmentation {now.Fragmentation:P1}");
}
