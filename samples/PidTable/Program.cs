using Vmem;
using Vmem.Samples;

// The same processes under three policies: how soon does a PID come back?
const int Spawns = 200_000;
const int UsualWorkers = 2_000;
const int SpawnsPerDaemon = 200;

Console.WriteLine($"{Spawns:N0} processes, PIDs 1 to {PidTable.PidMax - 1}: about {UsualWorkers:N0} workers at a time, and every {SpawnsPerDaemon}th process is a daemon that stays");
Console.WriteLine();
Console.WriteLine($"{"policy",-12}{"reused",10}{"at the earliest after",25}{"promised",10}{"free segments",16}");
foreach (FitPolicy policy in new[] { FitPolicy.NextFit, FitPolicy.FirstFit, FitPolicy.InstantFit })
{
    using var table = new PidTable(policy);
    ReuseFigures figures = Simulate(table, seed: 1);
    string promised = policy == FitPolicy.NextFit ? $"{figures.Promised:N0}" : "nothing";
    Console.WriteLine($"{policy,-12}{figures.Reuses,10:N0}{figures.ShortestCycle,18:N0} spawns{promised,10}{table.Statistics.FreeSegments,16:N0}");
    if (policy == FitPolicy.NextFit && figures.BrokenPromises != 0)
    {
        throw new InvalidOperationException($"{figures.BrokenPromises} PIDs were reused within the cycle.");
    }
}

Console.WriteLine();
ForkBomb();

// Spawns and reaps at random. Between two spawns that get the same PID, next fit goes round all PIDs and skips only those that are taken;
// those were taken when it set out, as it gives PIDs out nowhere but where it stands. So it hands out at least (PIDs - running) others
// first, and that is checked at every single reuse.
static ReuseFigures Simulate(PidTable table, int seed)
{
    var random = new Random(seed);
    var workers = new List<ushort>();
    var spawnedAt = new int[PidTable.PidMax];     // the number of the last spawn that got this PID; 0: none yet
    var runningAt = new int[PidTable.PidMax];     // how many processes were running then
    var figures = new ReuseFigures(Reuses: 0, ShortestCycle: int.MaxValue, Promised: int.MaxValue, BrokenPromises: 0);
    for (int spawn = 1; spawn <= Spawns; spawn++)
    {
        while (random.Next(2 * UsualWorkers) < workers.Count)
        {
            int victim = random.Next(workers.Count);
            table.Reap(workers[victim]);
            workers[victim] = workers[^1];
            workers.RemoveAt(workers.Count - 1);
        }

        bool daemon = spawn % SpawnsPerDaemon == 0;
        if (!table.TrySpawn(daemon ? "daemon" : "worker", out ushort pid))
        {
            throw new InvalidOperationException("The table is full.");
        }

        if (!daemon)
        {
            workers.Add(pid);
        }

        if (spawnedAt[pid] != 0)
        {
            int cycle = spawn - spawnedAt[pid];
            int promised = PidTable.PidMax - 1 - runningAt[pid];
            figures = new ReuseFigures(
                figures.Reuses + 1,
                Math.Min(figures.ShortestCycle, cycle),
                Math.Min(figures.Promised, promised),
                figures.BrokenPromises + (cycle <= promised ? 1 : 0));
        }

        spawnedAt[pid] = spawn;
        runningAt[pid] = table.Running;
    }

    return figures;
}

static void ForkBomb()
{
    using var table = new PidTable(FitPolicy.NextFit);
    _ = table.TrySpawn("init", out ushort init);
    while (table.TrySpawn("bomb", out _))
    {
    }

    Console.WriteLine($"A fork bomb: init is {init}, {table.Running:N0} processes run, and then: {table.ExplainSpawn()}");
    table.Reap(4711);
    _ = table.TrySpawn("shell", out ushort shell);
    Console.WriteLine($"Process 4711 is reaped, and the next one gets the only PID there is: {shell}.");
    try
    {
        table.Reap(0);
    }
    catch (InvalidFreeException e)
    {
        Console.WriteLine($"Reaping process 0: {e.Message}");
    }
}

/// <summary>How soon PIDs came back; a cycle is the number of spawns from one that got a PID to the next one that got the same.</summary>
internal sealed record ReuseFigures(int Reuses, int ShortestCycle, int Promised, int BrokenPromises);
