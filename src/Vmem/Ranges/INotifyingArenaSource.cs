using System.Numerics;

namespace Vmem;

/// <summary>A source that says when it may have room again, so that those who wait in the arena above it are woken.</summary>
/// <remarks>
/// <para>
/// <see cref="Arena{T}"/> and <see cref="BuddyAllocator{T}"/> are such. An arena subscribes only while somebody waits in it, or in an arena
/// above it; it subscribes first, asks once more, and only then waits, so that no notification can fall between. A source that cannot
/// notify may be a plain <see cref="IArenaSource{T}"/>. What one arena gives back to it, the others above it hear of all the same; of room
/// that comes otherwise its owner tells them by <see cref="Arena{T}.RetryWaiters"/>.
/// </para>
/// <para>
/// A delegate and not an event: whoever listens must be counted exactly, a listener that subscribes twice is called until it has
/// unsubscribed twice, and an event's accessors would hide that the source may act on it, as an arena does.
/// </para>
/// </remarks>
/// <typeparam name="T">The integer type of both sides.</typeparam>
public interface INotifyingArenaSource<T> : IArenaSource<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>From now on calls the listener, on any thread and under no lock, whenever a request that failed may succeed.</summary>
    /// <param name="mayHaveRoom">The listener. It does not throw. It may call the source, and asks it on this thread.</param>
    /// <remarks>An arena gives back what has not helped it. A source that calls for that reason does so before
    /// <see cref="IArenaSource{T}.Release"/> returns: then it is no news to that arena. Later, on another thread, it would be asked the
    /// same again, for ever.</remarks>
    void Subscribe(Action mayHaveRoom);

    /// <summary>Ends one <see cref="Subscribe"/>. A call that is under way may still arrive. Does not throw.</summary>
    /// <param name="mayHaveRoom">The listener.</param>
    void Unsubscribe(Action mayHaveRoom);
}
