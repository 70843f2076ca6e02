using Vmem.Testing.Generation;
using Xunit.Sdk;

namespace Vmem.Testing.Exploration;

/// <summary>How far an explorer goes.</summary>
public sealed record ExplorerOptions
{
    public MemoryOrder Order { get; init; } = MemoryOrder.Arm;

    /// <summary>Faults to plant.</summary>
    public IReadOnlyList<PlantedFault> Faults { get; init; } = [];

    /// <summary>All schedules with so many surprises are tried: a thread is stopped where it could go on, a store is seen late, a load
    /// comes early.</summary>
    public int Surprises { get; init; } = 2;

    /// <summary>But not more schedules than these.</summary>
    public int MostSystematic { get; init; } = 2_500;

    /// <summary>So many more are drawn at random.</summary>
    public int Random { get; init; } = 300;

    /// <summary>The seed of the first of these.</summary>
    public ulong FirstSeed { get; init; }
}

/// <summary>What an explorer has found.</summary>
/// <param name="Systematic">How many schedules were tried one after the other.</param>
/// <param name="Surprises">All with so many surprises are among them; −1: not even all without one.</param>
/// <param name="Random">How many more were drawn.</param>
/// <param name="Failure">What was wrong in the last of them, with a trace that <see cref="Explorer.Replay"/> takes; null if nothing
/// was.</param>
/// <param name="Trace">That trace.</param>
public sealed record ExplorerReport(int Systematic, int Surprises, int Random, string? Failure, string? Trace)
{
    public int Schedules => Systematic + Random;

    public override string ToString() => Failure is null
        ? $"{Schedules} schedules, all with up to {Surprises} surprises among them"
        : $"found in schedule {Schedules}";
}

/// <summary>Runs a scenario in many orders: all with few surprises, then random ones by priority.</summary>
/// <remarks>
/// The threads are real, and one at a time goes on. Each access to what they share is a step before which another may go on. Locks and
/// waits are known, so a schedule in which nobody can go on fails as one in which somebody threw. What is between two steps is not
/// interrupted: a plain field that should have been a <c>Shared</c> one is seen only by what comes of it.
/// </remarks>
public sealed class Explorer : IDisposable
{
    private readonly Func<DrivenThread, IDisposable> _attach;
    private readonly List<Worker> _workers = [];

    /// <param name="attach">Lets the code under test on this thread be driven by the explorer, until the result is disposed.</param>
    public Explorer(Func<DrivenThread, IDisposable> attach) => _attach = attach;

    /// <summary>Tries many schedules, up to the first that fails.</summary>
    public ExplorerReport Explore(Func<Scenario> create, ExplorerOptions options)
    {
        int systematic = 0;
        int complete = -1;
        int steps = 0;
        for (int surprises = 0; surprises <= options.Surprises; surprises++)
        {
            var choices = new Systematic(surprises);
            do
            {
                if (systematic == options.MostSystematic)
                {
                    break;
                }

                systematic++;
                if (TryRun(create(), choices, options, ref steps) is { } failure)
                {
                    return new ExplorerReport(systematic, complete, 0, failure, choices.Trace);
                }
            }
            while (choices.MoveNext());

            complete = systematic < options.MostSystematic ? surprises : complete;
        }

        for (int seed = 0; seed < options.Random; seed++)
        {
            Scenario scenario = create();
            var choices = new ByPriority(options.FirstSeed + (ulong)seed, scenario.Threads.Count, steps);
            if (TryRun(scenario, choices, options, ref steps) is { } failure)
            {
                return new ExplorerReport(systematic, complete, seed + 1, failure, choices.Trace);
            }
        }

        return new ExplorerReport(systematic, complete, options.Random, null, null);
    }

    /// <summary>Tries many schedules; none may fail. By <see cref="Night"/> more are drawn, and others.</summary>
    public ExplorerReport Prove(Func<Scenario> create, ExplorerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ExplorerReport report = Explore(
            create, options with { Random = (int)(Night.Schedules ?? (ulong)options.Random), FirstSeed = Night.FirstSeed });
        return report.Failure is null ? report : throw new XunitException(report.Failure);
    }

    /// <summary>Runs a schedule again.</summary>
    /// <returns>What was wrong; null if nothing was.</returns>
    public string? Replay(Func<Scenario> create, ExplorerOptions options, string trace)
    {
        int steps = 0;
        return TryRun(create(), new Replayed(trace), options, ref steps);
    }

    public void Dispose() => _workers.ForEach(worker => worker.Dispose());

    private string? TryRun(Scenario scenario, Choices choices, ExplorerOptions options, ref int steps)
    {
        while (_workers.Count < scenario.Threads.Count)
        {
            _workers.Add(new Worker());
        }

        for (int i = 0; i < scenario.Before.Count; i++)
        {
            _workers[i].Start(scenario.Before[i]);
            _workers[i].Join();
        }

        var schedule = new Schedule(choices, options.Order, options.Faults, scenario.Threads.Count);
        for (int i = 0; i < scenario.Threads.Count; i++)
        {
            DrivenThread thread = schedule.Threads[i];
            Action body = scenario.Threads[i];
            _workers[i].Start(() => Drive(schedule, thread, body));
        }

        schedule.Run();
        steps = schedule.Steps;
        for (int i = 0; i < scenario.Threads.Count; i++)
        {
            _workers[i].Join();
        }

        Exception? failure = schedule.Failure;
        try
        {
            if (failure is null)
            {
                scenario.After();
            }
        }
#pragma warning disable CA1031 // It is what the exploration is for.
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = e;
        }

        return failure is null ? null
            : $"{failure.Message}\nTo see it again: Replay with the trace \"{choices.Trace}\" and {options.Order}.\n{schedule.Story()}\n{failure}";
    }

    private void Drive(Schedule schedule, DrivenThread thread, Action body)
    {
        Exception? failure = null;
        try
        {
            using (_attach(thread))
            {
                thread.AwaitTurn();
                body();
            }
        }
#pragma warning disable CA1031 // It is what the exploration is for.
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = e;
        }

        schedule.End(thread, failure);
    }
}
