using Vmem;
using Vmem.Samples;

// Documents come, grow and go; then the file is opened again, and made small.
const int Rounds = 2_000;
var random = new Random(Seed: 11);
var written = new Dictionary<string, byte[]>();
string path = Path.GetTempFileName();
Document[] directory;
using (var file = new ExtentFile(path, []))
{
    for (int round = 0; round < Rounds; round++)
    {
        string name = $"document {random.Next(200)}";
        if (random.Next(3) == 0)
        {
            file.Delete(name);
            written.Remove(name);
        }
        else
        {
            var contents = new byte[random.Next(1, 60_000)];
            random.NextBytes(contents);
            file.Write(name, contents);
            written[name] = contents;
        }
    }

    foreach (string name in written.Keys.Order().Where((_, index) => index % 2 == 0).ToArray())
    {
        file.Delete(name);
        written.Remove(name);
    }

    Show("half of them deleted", file);
    directory = [.. file.Directory];
}

using (var file = new ExtentFile(path, directory))
{
    Show("opened again", file);
    Console.WriteLine($"contents intact: {written.All(item => file.Read(item.Key).AsSpan().SequenceEqual(item.Value))}");
    ulong copied = file.Compact(budget: 1_000_000);
    Console.WriteLine($"{copied:N0} bytes moved:");
    Show("within a budget", file);
    while ((copied = file.Compact(budget: 1_000_000)) > 0)
    {
    }

    Show("in the end", file);
    Console.WriteLine($"contents intact: {written.All(item => file.Read(item.Key).AsSpan().SequenceEqual(item.Value))}");
    file.Space.Validate();
}

File.Delete(path);

static void Show(string moment, ExtentFile file)
{
    ArenaStatistics<ulong> figures = file.Space.GetStatistics();
    int extents = file.Directory.Sum(document => document.Extents.Count);
    Console.WriteLine(
        $"{moment + ":",-21} {file.Directory.Count(),3} documents in {extents,3} extents, {figures.InUse,9:N0} of {file.Size,9:N0} bytes in use, {figures.FreeSegments,2} holes");
}
