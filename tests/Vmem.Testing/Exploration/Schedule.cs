using System.Globalization;

namespace Vmem.Testing.Exploration;

/// <summary>One order in which threads go on, from their beginning to their end.</summary>
internal sealed class Schedule
{
    private const int MostSteps = 50_000;         // arbitrary: most scenarios have some hundred; a heap with all its classes has 5,000

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);        // for hands over, on a busy machine

    private readonly Choices _choices;
    private readonly List<DrivenThread> _threads = [];
    private readonly Dictionary<Lock, (DrivenThread Owner, int Times)> _owners = new(ReferenceEqualityComparer.Instance);
    private readonly List<(int Thread, string Step, object? Value, (string Member, string File, int Line) Where)> _steps = [];
    private readonly Baton _ended = new();
    private int _handovers;

    public Schedule(Choices choices, MemoryOrder order, IReadOnlyList<PlantedFault> faults, int threads)
    {
        _choices = choices;
        for (int i = 0; i < threads; i++)
        {
            _threads.Add(new DrivenThread(this, i, faults));
        }

        Memory = new SimulatedMemory(order, choices, [.. _threads.Select(thread => thread.Memory)]);
    }

    public SimulatedMemory Memory { get; }

    public IReadOnlyList<DrivenThread> Threads => _threads;

    public Exception? Failure { get; private set; }

    public bool IsAbandoned => Failure is not null;

    public int Steps => _handovers;

    /// <summary>Lets the threads run to their end; each waits for its turn on a thread of its own.</summary>
    public void Run()
    {
        _threads[_choices.ChooseThread([.. Enumerable.Range(0, _threads.Count)], isSurprise: false)].GoOn();
        if (!_ended.TryTake(s_patience))
        {
            throw new InvalidOperationException($"A thread does not come back: it waits for something that the explorer does not know.\n{Story()}");
        }
    }

    /// <summary>A thread is about to do something: it goes on, or another does until its turn comes.</summary>
    public void HandOver(DrivenThread thread)
    {
        if (!IsAbandoned && ++_handovers > MostSteps)
        {
            Fail(new InvalidOperationException($"After {MostSteps} steps there is no end."));
        }

        if (Next(thread) is { } next && next != thread)
        {
            next.GoOn();
            thread.AwaitTurn();
        }
        else if (IsAbandoned)
        {
            thread.GoOn();
            thread.AwaitTurn();                   // throws
        }
    }

    /// <summary>A thread has come to its end, well or not.</summary>
    public void End(DrivenThread thread, Exception? failure)
    {
        if (failure is not null)
        {
            Fail(failure);
        }

        thread.Finish();
        if (Next(thread) is { } next)
        {
            next.GoOn();
        }
        else
        {
            Memory.FenceAll();
            _ended.Pass();
        }
    }

    public bool IsFree(Lock gate, DrivenThread thread) =>
        !_owners.TryGetValue(gate, out (DrivenThread Owner, int) held) || held.Owner == thread;

    public void Own(Lock gate, DrivenThread thread) =>
        _owners[gate] = (thread, _owners.TryGetValue(gate, out (DrivenThread, int Times) held) ? held.Times + 1 : 1);

    public void Disown(Lock gate)
    {
        if (_owners.TryGetValue(gate, out (DrivenThread Owner, int Times) held) && held.Times > 1)
        {
            _owners[gate] = (held.Owner, held.Times - 1);
        }
        else
        {
            _ = _owners.Remove(gate);
        }
    }

    public void Note(int thread, string step, object? value, (string Member, string File, int Line) where) =>
        _steps.Add((thread, step, value, where));

    /// <summary>What has happened, a line for each step.</summary>
    public string Story() => string.Join('\n', _steps.TakeLast(150).Select(step => string.Create(CultureInfo.InvariantCulture,
            $"  {step.Thread}: {step.Step} {Shown(step.Value)} in {step.Where.Member} ({Path.GetFileName(step.Where.File)}:{step.Where.Line})")))
        + "\n" + string.Join('\n', _threads.Select(thread => $"  {thread.Index} stands at: {(thread.IsDone ? "its end" : thread.Position)}"));

    private static string Shown(object? value) => value switch
    {
        null => "",
        Array array => $"[{array.Length}]",
        _ => string.Create(CultureInfo.InvariantCulture, $"{value}"),
    };

    private void Fail(Exception failure) => Failure ??= failure;

    /// <summary>Which thread goes on; null if none is left, or if this one alone cannot go on as all is abandoned.</summary>
    private DrivenThread? Next(DrivenThread thread)
    {
        if (IsAbandoned)
        {
            return thread.IsDone ? _threads.Find(other => !other.IsDone) : null;
        }

        List<int> ready = Where(thread, static other => other.CanGoOn);
        if (ready.Count == 0 && Memory.Settle())
        {
            ready = Where(thread, static other => other.CanGoOn);
        }

        if (ready.Count == 0)
        {
            ready = Where(thread, static other => other.MayLookOnceMore);
        }

        if (ready.Count > 0)
        {
            return _threads[ready[_choices.ChooseThread(ready, isSurprise: ready[0] == thread.Index)]];
        }

        if (_threads.TrueForAll(other => other.IsDone))
        {
            return null;
        }

        Fail(new InvalidOperationException("Nobody can go on: " + string.Join("; ", _threads.Where(other => !other.IsDone)
            .Select(other => $"thread {other.Index} at {other.Position}"))));
        return Next(thread);
    }

    /// <summary>Some of the threads: this one first, then the others in turn.</summary>
    private List<int> Where(DrivenThread thread, Predicate<DrivenThread> condition)
    {
        var ready = new List<int>();
        for (int i = 0; i < _threads.Count; i++)
        {
            int index = (thread.Index + i) % _threads.Count;
            if (condition(_threads[index]))
            {
                ready.Add(index);
            }
        }

        return ready;
    }
}
