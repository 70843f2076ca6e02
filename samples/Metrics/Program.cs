using OpenTelemetry;
using OpenTelemetry.Metrics;
using Vmem;
using Vmem.Samples;

// Two pools of connection IDs, and what an exporter sees of them: nothing in the pools knows about metrics.
using MeterProvider provider = Sdk.CreateMeterProviderBuilder()
    .AddMeter(ArenaMetrics.MeterName)
    .AddReader(new BaseExportingMetricReader(new LineExporter()))
    .Build();

using var external = new ConnectionIds("external", 1_000);
var open = new Queue<ushort>();
using (var peers = new ConnectionIds("peers", 16))
{
    while (peers.TryAccept(out _))
    {
    }

    Console.WriteLine("the peers' pool is full:");
    Serve(external, open, 1_500, atMost: 600);
    _ = provider.ForceFlush();
}

Console.WriteLine();
Console.WriteLine("the peers' pool is gone:");
Serve(external, open, 100_000, atMost: 600);
_ = provider.ForceFlush();

static void Serve(ConnectionIds ids, Queue<ushort> open, int connections, int atMost)
{
    for (int i = 0; i < connections; i++)
    {
        if (open.Count == atMost)
        {
            ids.Close(open.Dequeue());
        }

        if (ids.TryAccept(out ushort id))
        {
            open.Enqueue(id);
        }
    }
}
