namespace Vmem.Leasing.Arenas;

// Those who wait in the arena are told when a span has come.
internal sealed partial class SpanStock<T>
{
    private Action?[] _listeners = [];            // copied when one comes, and null where one was: only coming needs memory

    public void Subscribe(Action mayHaveRoom)
    {
        using (_lock.EnterScope())
        {
            Volatile.Write(ref _listeners, [.. _listeners.OfType<Action>(), mayHaveRoom]);
        }
    }

    public void Unsubscribe(Action mayHaveRoom)
    {
        using (_lock.EnterScope())
        {
            int place = Array.IndexOf(_listeners, mayHaveRoom);
            if (place >= 0)
            {
                Volatile.Write(ref _listeners[place], null);
            }
        }
    }

    /// <summary>Tells those who wait in the arena to try again. What one of them throws is reported, and keeps no other from being
    /// told.</summary>
    public void Notify()
    {
        foreach (Action? listener in Volatile.Read(ref _listeners))
        {
            if (listener is not null)
            {
                call(listener);
            }
        }
    }
}
