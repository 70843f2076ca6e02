using System.Globalization;
using System.Runtime.InteropServices;
using Vmem.Samples;

// Processes make Snowflake IDs: a time, a worker's number, and a count. There are as many numbers as processes, so that each process that
// is killed leaves its number to the next. Two that used one number at one time would make the same IDs.
//   WorkerIds [PROCESSES IDS-EACH KILLS], for example 16 6250000 20: a hundred million
if (args is ["worker", string file, string output, string wanted, string bits])
{
    CultureInfo invariant = CultureInfo.InvariantCulture;
    await SnowflakeWorker.RunAsync(file, output, long.Parse(wanted, invariant), int.Parse(bits, invariant));
    return;
}

int[] numbers = [.. args.Select(argument => int.Parse(argument, CultureInfo.InvariantCulture))];
(int processes, int each, int kills) = numbers is [int p, int e, int k] ? (p, e, k) : (4, 200_000, 3);
string folder = Directory.CreateTempSubdirectory("vmem-workers-").FullName;
List<WorkerProcess> workers = [];
try
{
    int number = 0;
    for (int i = 0; i < processes; i++)
    {
        workers.Add(Start());
    }

    Random random = new(1);
    for (int i = 0; i < kills; i++)
    {
        int victim = random.Next(processes);
        await workers[victim].UntilItHasMadeSomeAsync();
        workers[victim].Kill();
        workers[victim] = Start();
    }

    foreach (WorkerProcess worker in workers)
    {
        await worker.UntilItEndsAsync();
    }

    List<long> ids = [];
    foreach (string path in Directory.EnumerateFiles(folder, "ids-*"))
    {
        ReadOnlySpan<byte> bytes = File.ReadAllBytes(path);
        ids.AddRange(MemoryMarshal.Cast<byte, long>(bytes[..(bytes.Length / sizeof(long) * sizeof(long))]));
    }

    ids.Sort();
    int duplicates = Enumerable.Range(1, ids.Count - 1).Count(i => ids[i] == ids[i - 1]);
    long least = (long)processes * each;
    Console.WriteLine($"{processes} processes at a time, {kills} killed, at least {least:N0} IDs: {ids.Count >= least}");
    Console.WriteLine($"duplicates: {duplicates}");

    WorkerProcess Start() =>
        WorkerProcess.Start(Path.Combine(folder, "leases.db"), Path.Combine(folder, $"ids-{number++}"), each, BitsFor(processes));
}
finally
{
    workers.ForEach(worker => worker.Kill());
    Directory.Delete(folder, recursive: true);
}

// The fewest that give each process a number.
static int BitsFor(int processes) => Math.Max(1, (int)Math.Ceiling(Math.Log2(processes)));
