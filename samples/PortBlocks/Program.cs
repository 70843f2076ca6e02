using System.Globalization;
using Vmem.Leasing;
using Vmem.Samples;

// The servers of one machine share 16 ports, in blocks of four that lie side by side. Each is a process of its own.
if (args is ["server", string file, string owner, string port])
{
    try
    {
        await PortServer.RunAsync(file, owner, ushort.Parse(port, CultureInfo.InvariantCulture));
        return 0;
    }
    catch (InvalidOperationException fault)
    {
        Console.Error.WriteLine(fault.Message);
        return 1;
    }
}

ushort first = PortServer.FindFree();
if (args is not [] && !(args is ["--first", string given] && ushort.TryParse(given, CultureInfo.InvariantCulture, out first)
    && first is > 0 and <= ushort.MaxValue - PortServer.Ports))
{
    Console.Error.WriteLine($"usage: PortBlocks [--first PORT]: the first of {PortServer.Ports} ports that no other program uses");
    return 2;
}

string folder = Directory.CreateTempSubdirectory("vmem-ports-").FullName;
string leases = Path.Combine(folder, "ports.db");
List<ServerProcess> servers = [];
try
{
    for (int i = 1; i <= 4; i++)
    {
        servers.Add(await ServerProcess.StartAsync(leases, $"server {i}", first));
    }

    // Nobody waits for an hour: the kernel says who is dead.
    servers[1].Kill();
    Console.WriteLine($"server 2 is killed; a silent one would keep its ports for {PortServer.Ttl.TotalHours} hour");
    servers.Add(await ServerProcess.StartAsync(leases, "server 5", first));

    await using var store = new SqliteLeaseStore(leases);
    LeaseArena ports = await store.EnsureArenaAsync(PortServer.ArenaName);
    await AuditAsync(store, ports, port: (ushort)(first + 6));

    await servers[0].StopAsync();
    LeaseUsage usage = await store.GetUsageAsync(ports.Id);
    Console.WriteLine($"server 1 stops, and its ports are free at once: {usage}");
    Console.WriteLine($"faults: {(await store.ValidateAsync(ports.Id)).Count}");
    return 0;
}
catch (InvalidOperationException fault)
{
    Console.Error.WriteLine(fault.Message);
    return 1;
}
finally
{
    servers.ForEach(server => server.Kill());
    Directory.Delete(folder, recursive: true);
}

// Who had a port? As "vmem lease audit ports.db ports --value 21006".
static async Task AuditAsync(LeaseStore store, LeaseArena arena, ushort port)
{
    Dictionary<Guid, string> owners = [];
    foreach (LeaseAuditEntry entry in await store.ReadAuditAsync(arena.Id))
    {
        if (entry.Event == LeaseEvent.Open)
        {
            owners[entry.Session] = entry.Detail;
        }
        else if (entry.Event is LeaseEvent.Grant or LeaseEvent.Reclaim && entry.Start <= port && port < entry.Start + entry.Size)
        {
            Console.WriteLine($"port {port}: {entry.Event} {owners[entry.Session]}, fence {entry.Fence}");
        }
    }
}
