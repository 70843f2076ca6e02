using System.Diagnostics;

namespace Vmem;

/// <summary>Who asks: a number that recordings (<see cref="Arena{T}.Record(Stream, ArenaRecordingOptions?)"/>) write beside each range
/// that the current thread allocates.</summary>
/// <remarks>
/// <para>
/// What a tag means is the program's business: a subsystem, a request, a connection. <see cref="ArenaRecordingOptions.TagName"/> turns it
/// into a name. A request that waits keeps the tag it was made with, whichever thread grants it.
/// </para>
/// <para>
/// The tag belongs to the thread. Code that awaits may go on on another thread: set it again, or set it around each call. An
/// <see cref="AsyncLocal{T}"/> would follow, and cost every allocation more than the whole recording does.
/// </para>
/// </remarks>
public static class RecordingTag
{
    [ThreadStatic]
    private static ulong t_current;

    /// <summary>The current thread's tag; 0, the default, is none.</summary>
    /// <remarks>O(1), about a nanosecond.</remarks>
    public static ulong Current
    {
        get => t_current;
        set => t_current = value;
    }

    /// <summary>Sets the current thread's tag until the scope that this returns is disposed, on the same thread.</summary>
    /// <param name="tag">The tag.</param>
    /// <returns>The scope. Disposing restores the tag that was there before.</returns>
    public static RecordingTagScope Use(ulong tag)
    {
        var scope = new RecordingTagScope(t_current);
        t_current = tag;
        return scope;
    }
}

/// <summary>The extent of a tag: <see cref="RecordingTag.Use"/>.</summary>
[DebuggerDisplay("before: {_previous}")]
public readonly ref struct RecordingTagScope
{
    private readonly ulong _previous;

    internal RecordingTagScope(ulong previous) => _previous = previous;

    /// <summary>Restores the tag that was there before.</summary>
    public void Dispose() => RecordingTag.Current = _previous;
}
