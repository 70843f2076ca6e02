using System.Globalization;
using Orleans.Streams;
using Vmem.Leasing;
using Vmem.Samples;

// Two silos read the queues of a stream provider. Which reads which is leased: in Orleans by its balancer, below it in a file.
const int Streams = 32;
string folder = Directory.CreateTempSubdirectory("vmem-orleans-").FullName;
try
{
    string file = Path.Combine(folder, "leases.db");
    await using var leases = new SqliteLeaseStore(file);
    await using SampleSilo first = await SampleSilo.StartAsync(file, "silo 1");
    await ShowAsync("one silo", ("silo 1", SampleSilo.Queues));
    await using (await SampleSilo.StartAsync(file, "silo 2", first.Address))
    {
        await ShowAsync("two silos", ("silo 1", SampleSilo.Queues / 2), ("silo 2", SampleSilo.Queues / 2));
        await SendAsync(first.Streams, number: 1);
    }

    await ShowAsync("silo 2 has stopped", ("silo 1", SampleSilo.Queues));
    await SendAsync(first.Streams, number: 2);

    int faults = 0;
    foreach (LeaseArena queue in await leases.ListArenasAsync())
    {
        faults += (await leases.ValidateAsync(queue.Id)).Count;
    }

    Console.WriteLine($"faults: {faults}");

    // Waits until the queues are held so. Who has which is Orleans' choice.
    async Task ShowAsync(string when, params (string Silo, int Queues)[] expected)
    {
        (string Silo, int Queues)[] held = [];
        await WaitAsync(async () => (held = await CountAsync(leases)).SequenceEqual(expected));
        Console.WriteLine($"{when}: {string.Join(", ", held.Select(one => $"{one.Silo} reads {one.Queues} queues"))}");
    }
}
finally
{
    Directory.Delete(folder, recursive: true);
}

// A number down each stream; all have to arrive, whoever reads the queue that it is in.
static async Task SendAsync(IStreamProvider streams, int number)
{
    Numbers.Arrived.Clear();
    for (int i = 0; i < Streams; i++)
    {
        string key = i.ToString(CultureInfo.InvariantCulture);
        await streams.GetStream<int>(StreamId.Create(Numbers.Name, key)).OnNextAsync(number);
    }

    await WaitAsync(() => Task.FromResult(Numbers.Arrived.Count == Streams));
    Console.WriteLine($"number {number} has arrived from {Numbers.Arrived.Count} of {Streams} streams");
}

// How many queues each silo holds, by the file.
static async Task<(string Silo, int Queues)[]> CountAsync(LeaseStore leases)
{
    List<LeaseExtent> held = [];
    foreach (LeaseArena queue in await leases.ListArenasAsync())
    {
        held.AddRange((await leases.ListAsync(queue.Id)).Where(extent => extent.State == LeaseExtentState.Leased));
    }

    return [.. held.GroupBy(extent => extent.Owner).Select(silo => (silo.Key, silo.Count())).Order()];
}

// Until it is so, for ten minutes at most: then what is printed shows what is wrong.
static async Task WaitAsync(Func<Task<bool>> isSo)
{
    for (int i = 0; i < 6_000 && !await isSo(); i++)
    {
        await Task.Delay(100);
    }
}
