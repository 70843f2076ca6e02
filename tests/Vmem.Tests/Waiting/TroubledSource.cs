namespace Vmem.Tests.Waiting;

/// <summary>A source that calls back when it is listened to, and when it is so no more.</summary>
internal sealed class TroubledSource : INotifyingArenaSource<uint>
{
    private readonly List<Action> _listeners = [];

    public Action? OnSubscribe { get; set; }

    public Action? OnUnsubscribe { get; set; }

    public bool HasRoom { get; set; }

    public int Listeners => _listeners.Count;

    /// <summary>How often it was asked.</summary>
    public int Asked { get; private set; }

    public uint Quantum => 1;

    public bool TryImport(uint size, in RangeConstraints<uint> constraints, out uint start, out uint imported)
    {
        Asked++;
        (start, imported) = (1_000, size);
        return HasRoom;
    }

    public void Release(uint start, uint size)
    {
    }

    public void Notify() => _listeners.ToList().ForEach(static listener => listener());

    public void Subscribe(Action mayHaveRoom)
    {
        OnSubscribe?.Invoke();
        _listeners.Add(mayHaveRoom);
    }

    public void Unsubscribe(Action mayHaveRoom)
    {
        _ = _listeners.Remove(mayHaveRoom);
        OnUnsubscribe?.Invoke();
    }
}
