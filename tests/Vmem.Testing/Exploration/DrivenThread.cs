using System.Runtime.CompilerServices;

namespace Vmem.Testing.Exploration;

/// <summary>A real thread that goes on only when the schedule says so. These are the steps of which the protocols under test consist; each
/// may hand over to another thread before it is done.</summary>
public sealed class DrivenThread
{
    private const int MostVainLooks = 4;        // arbitrary; the arena's lock needs two

    private readonly Baton _turn = new();
    private readonly Schedule _schedule;
    private readonly IReadOnlyList<PlantedFault> _faults;
    private (Place Place, object? Value, bool Release)? _delayed;
    private bool _isUnwinding;
    private bool _isLooking;
    private long _lookedAt;
    private int _vainLooks;

    internal DrivenThread(Schedule schedule, int index, IReadOnlyList<PlantedFault> faults)
    {
        _schedule = schedule;
        _faults = faults;
        Index = index;
    }

    internal int Index { get; }

    internal ThreadMemory Memory { get; } = new();

    internal bool IsDone { get; set; }

    /// <summary>What it waits for; null if it can go on.</summary>
    internal Func<bool>? WaitsUntil { get; private set; }

    /// <summary>Where it is.</summary>
    internal string Position { get; private set; } = "the beginning";

    /// <summary>Whether it might go on, though nothing has changed.</summary>
    internal bool MayLookOnceMore => !IsDone && _isLooking && _vainLooks < MostVainLooks;

    internal bool CanGoOn => !IsDone && (WaitsUntil is null || WaitsUntil());

    public T Read<T>(StrongBox<T> field, bool acquire, (string Member, string File, int Line) where) =>
        (T)Load(_schedule.Memory.Field(field), acquire, where, default(T))!;

    public T ReadItem<T>(T[] items, int index, (string Member, string File, int Line) where) =>
        (T)Load(_schedule.Memory.Item(items, index), acquire: false, where, default(T))!;

    public T Peek<T>(StrongBox<T> field) =>
        (T)(_schedule.Memory.Field(field) is var place && _delayed is { } delayed && delayed.Place == place
        ? delayed.Value : SimulatedMemory.Peek(Memory, place))!;

    /// <remarks>The runtime stores each reference as a release.</remarks>
    public void Write<T>(StrongBox<T> field, T value, bool release, (string Member, string File, int Line) where) =>
        Store(_schedule.Memory.Field(field), value, release || !typeof(T).IsValueType, where);

    public void WriteItem<T>(T[] items, int index, T value, (string Member, string File, int Line) where) =>
        Store(_schedule.Memory.Item(items, index), value, RuntimeHelpers.IsReferenceOrContainsReferences<T>(), where);

    public T Exchange<T>(StrongBox<T> field, T value, (string Member, string File, int Line) where) =>
        (T)Swap(_schedule.Memory.Field(field), static _ => true, value, where, "exchange")!;

    public T CompareExchange<T>(StrongBox<T> field, T value, T comparand, (string Member, string File, int Line) where) =>
        Spoils(FaultKind.Skip, where.Member, "swap") ? comparand
            : (T)Swap(_schedule.Memory.Field(field), old =>
                typeof(T).IsValueType ? Equals(old, comparand) : ReferenceEquals(old, comparand), value, where, "swap")!;

    public void BarrierProcessWide((string Member, string File, int Line) where)
    {
        Step("barrier", null, where);
        if (!Spoils(FaultKind.Skip, where.Member, "barrier"))
        {
            _schedule.Memory.FenceAll();
        }
    }

    /// <summary>It looked in vain, and goes on when another thread has stored something. A few times more also if nobody else can go on:
    /// it may want to see that nothing changes.</summary>
    public void LookAgain((string Member, string File, int Line) where)
    {
        long seen = _schedule.Memory.Progress;
        _vainLooks = seen == _lookedAt ? _vainLooks + 1 : 0;
        _lookedAt = seen;
        _isLooking = true;
        Block("look again", () => _schedule.Memory.Progress != seen, where);
        _isLooking = false;
    }

    public void WaitFor(Func<bool> condition, (string Member, string File, int Line) where)
    {
        Step("wait", null, where);
        if (!condition())
        {
            Block("wait", condition, where);
        }
    }

    public void EnterLock(Lock gate, bool mayWait, (string Member, string File, int Line) where)
    {
        Step("enter", null, where);
        if (!_schedule.IsFree(gate, this))
        {
            if (!mayWait)
            {
                return;
            }

            Block("enter", () => _schedule.IsFree(gate, this), where);
        }

        _schedule.Own(gate, this);
        _schedule.Memory.Fence(Memory);
    }

    public void ExitLock(Lock gate, (string Member, string File, int Line) where)
    {
        Step("exit", null, where);
        Fence();
        _schedule.Disown(gate);
    }

    public bool Forgets(string duty) => Spoils(FaultKind.Forget, duty, "");

    internal void GoOn() => _turn.Pass();

    internal void AwaitTurn()
    {
        _turn.Take();
        if (_schedule.IsAbandoned)
        {
            Abandon();
        }
    }

    /// <summary>It has come to its end. What it stored may not be seen yet.</summary>
    internal void Finish()
    {
        StoreDelayed();
        IsDone = true;
    }

    private object? Load(Place place, bool acquire, (string Member, string File, int Line) where, object? nothing)
    {
        Step("load", null, where);
        object? value = Spoils(FaultKind.Skip, where.Member, "load") ? nothing
            : _delayed is { } delayed && delayed.Place == place ? delayed.Value
            : _schedule.Memory.Load(Memory, place, acquire && !Spoils(FaultKind.Relax, where.Member, "load"));
        _schedule.Note(Index, "load", value, where);
        return value;
    }

    private void Store(Place place, object? value, bool release, (string Member, string File, int Line) where)
    {
        Step("store", value, where);
        if (Spoils(FaultKind.Skip, where.Member, "store"))
        {
            return;
        }

        release = release && !Spoils(FaultKind.Relax, where.Member, "store");
        if (_delayed is null && Spoils(FaultKind.Delay, where.Member, "store"))
        {
            _delayed = (place, value, release);
            return;
        }

        _schedule.Memory.Store(Memory, place, value, release);
        if (_delayed is not null)
        {
            Step("store", _delayed.Value.Value, where);
            StoreDelayed();
        }
    }

    private object? Swap(Place place, Func<object?, bool> isExpected, object? value, (string Member, string File, int Line) where,
        string step)
    {
        Step(step, value, where);
        StoreDelayed();
        if (!Spoils(FaultKind.Tear, where.Member, step))
        {
            return _schedule.Memory.Swap(Memory, place, isExpected, value);
        }

        object? old = _schedule.Memory.Load(Memory, place, acquire: true);
        Step(step, value, where);
        if (isExpected(old))
        {
            _schedule.Memory.Store(Memory, place, value, release: true);
        }

        Fence();
        return old;
    }

    private void StoreDelayed()
    {
        if (_delayed is { } delayed)
        {
            _delayed = null;
            _schedule.Memory.Store(Memory, delayed.Place, delayed.Value, delayed.Release);
        }
    }

    private void Fence()
    {
        StoreDelayed();
        _schedule.Memory.Fence(Memory);
    }

    private bool Spoils(FaultKind kind, string member, string step)
    {
        foreach (PlantedFault fault in _faults)
        {
            if (fault.Spoils(kind, member, step))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>Before a step: another may go on instead.</summary>
    private void Step(string step, object? value, (string Member, string File, int Line) where)
    {
        if (_isUnwinding)
        {
            return;
        }

        Position = $"{step} in {where.Member}, line {where.Line}";
        _schedule.HandOver(this);
        if (value is not null || step is "barrier" or "enter" or "exit" or "wait")
        {
            _schedule.Note(Index, step, value, where);
        }
    }

    private void Block(string step, Func<bool> until, (string Member, string File, int Line) where)
    {
        if (_isUnwinding)
        {
            Abandon();
        }

        Position = $"{step} in {where.Member}, line {where.Line}";
        WaitsUntil = until;
        _schedule.HandOver(this);
        WaitsUntil = null;
    }

    private void Abandon()
    {
        _isUnwinding = true;
        WaitsUntil = null;
        throw new ScheduleAbandonedException();
    }
}
