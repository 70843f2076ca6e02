using Vmem;
using Vmem.Samples;

// A level of a game: meshes and images come and go, every frame uploads something and sets constants, and in the end a large texture is
// wanted.
const uint KiB = 1024;
const uint MiB = 1024 * KiB;
const int Frames = 600;
const uint BudgetOfAFrame = 512 * KiB;            // what the card copies beside its work

var random = new Random(Seed: 7);
using var buffer = new GpuBuffer(18 * MiB, ringSize: 2 * MiB);
var objects = new Dictionary<ulong, GpuRange>();
ulong born = 0;
while (buffer.Offsets.GetStatistics().InUse < 13 * MiB)
{
    Load();
}

int straddling = 0;
int refused = 0;
for (int frame = 0; frame < Frames; frame++)
{
    for (int upload = 0; upload < 3; upload++)
    {
        refused += buffer.TryUpload((uint)random.Next(4 * (int)KiB, 48 * (int)KiB), out _) ? 0 : 1;
    }

    for (int draw = 0; draw < 8; draw++)
    {
        uint size = (uint)random.Next(64, 4096);
        refused += buffer.TryUploadConstants(size, out uint start) ? 0 : 1;
        straddling += start / GpuBuffer.ConstantWindow == (start + size - 1) / GpuBuffer.ConstantWindow ? 0 : 1;
    }

    if (frame % 10 == 0)
    {
        Unload();
        Load();
    }

    buffer.EndFrame();
}

ArenaStatistics<uint> ring = buffer.Ring.GetStatistics();
Console.WriteLine($"{Frames} frames: {ring.Allocations:N0} uploads, {refused} refused, {ring.Resting / (double)KiB:F0} KiB rest for the frames in flight");
Console.WriteLine($"blocks of constants that straddle a window: {straddling}");
for (int remaining = objects.Count / 2; remaining > 0; remaining--)
{
    Unload();
}

Show("half of them retired");
buffer.WaitIdle();
Show("and no longer read");

const uint TextureSize = 6 * MiB;
Console.WriteLine();
Console.WriteLine($"A texture of 6 MiB fits: {TryLoadTexture()}. {buffer.Offsets.Explain(TextureSize)}");
if (args is [string dumpFile])
{
    using FileStream file = File.Create(dumpFile);
    GpuDump.Write(file, buffer.Offsets, owner => $"object {owner}");
    Console.WriteLine($"The memory at this moment is in {dumpFile}; \"vmem map\" draws it.");
}

Dictionary<ulong, byte> contents = objects.ToDictionary(item => item.Key, item =>
    buffer.Contents(item.Value)[0]);   // all bytes of one are the same
uint copied = 0;
int frames = 0;
for (uint step = 1; step > 0 && frames < 100; frames++)
{
    step = buffer.Defragment(BudgetOfAFrame, wanted: 0, (owner, start) => objects[owner] = objects[owner] with { Start = start });
    copied += step;
    buffer.EndFrame();
}

bool intact = objects.All(item => !buffer.Contents(item.Value).ContainsAnyExcept(contents[item.Key]));
Console.WriteLine($"Defragmented in {frames} frames: {copied / (double)MiB:F2} MiB copied, contents intact: {intact}.");
buffer.WaitIdle();
Show("defragmented");
Console.WriteLine($"A texture of 6 MiB fits: {TryLoadTexture()}.");

Console.WriteLine();
buffer.Offsets.Validate();
buffer.Offsets.Dump(Console.Out);

bool TryLoadTexture() => buffer.TryAllocate(TextureSize, GpuKind.Image, owner: 0, out _);

void Load()
{
    GpuKind kind = random.Next(3) == 0 ? GpuKind.Image : GpuKind.Buffer;
    if (buffer.TryAllocate((uint)random.Next(32 * (int)KiB, 512 * (int)KiB), kind, ++born, out GpuRange range))
    {
        buffer.Contents(range).Fill((byte)random.Next(256));
        objects.Add(born, range);
    }
}

void Unload()
{
    (ulong victim, GpuRange range) = objects.ElementAt(random.Next(objects.Count));
    buffer.Retire(range);
    objects.Remove(victim);
}

void Show(string moment)
{
    ArenaStatistics<uint> now = buffer.Offsets.GetStatistics();
    Console.WriteLine(
        $"{moment + ":",-22}{now.InUse / (double)MiB,6:F2} MiB in use, {now.Resting / (double)MiB,5:F2} resting, {now.Free / (double)MiB,5:F2} free in {now.FreeSegments,3} pieces, " +
        $"the largest {now.LargestFree / (double)MiB:F2}; fragmentation {now.Fragmentation:P1}");
}
