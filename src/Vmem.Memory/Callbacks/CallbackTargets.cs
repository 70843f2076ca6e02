using Vmem.Checks;

namespace Vmem.Memory;

/// <summary>Which heap or client a context stands for.</summary>
/// <remarks>
/// A context is a number: the low half is a place in the table, the high half counts the contexts that there were, and is never 0. So a
/// context whose target is gone finds nothing, however late it is used, until as many others came as half a word can count. Found without a
/// lock; places come and go under one.
/// </remarks>
internal static class CallbackTargets
{
    private static readonly int s_serialShift = nuint.Size == 8 ? 32 : 16;

    private static readonly Gate s_gate = new();
    private static readonly Stack<int> s_free = new(4);      // as many as there are entries: a removal must not fail
    private static Entry?[] s_entries = new Entry?[4];
    private static int s_used;
    private static nuint s_serial;

    /// <summary>The target of a context; null if it is gone, or never was one.</summary>
    public static ICallbackTarget? Find(nint context)
    {
        Entry?[] entries = Volatile.Read(ref s_entries);
        nuint place = PlaceOf(context);
        return place < (nuint)entries.Length && Volatile.Read(ref entries[place]) is { } entry && entry.Context == context
            ? entry.Target
            : null;
    }

    /// <summary>A context for a target, until <see cref="Remove"/>.</summary>
    /// <exception cref="OutOfMemoryException">There is no memory for it; nothing has changed.</exception>
    public static nint Add(ICallbackTarget target)
    {
        using (s_gate.EnterScope())
        {
            if (s_free.Count == 0 && s_used == s_entries.Length)
            {
                if ((nuint)s_used > PlaceMask)
                {
                    throw new InsufficientMemoryException($"There are {s_used} heaps and clients whose functions were asked for, and no room for more.");
                }

                Entry?[] longer = new Entry?[2 * s_used];
                s_entries.CopyTo(longer, 0);
                _ = s_free.EnsureCapacity(longer.Length);
                Volatile.Write(ref s_entries, longer);
            }

            int place = s_free.TryPeek(out int free) ? free : s_used;
            nuint serial = s_serial < PlaceMask ? s_serial + 1 : 1;
            nint context = ((nint)serial << s_serialShift) | place;
            Volatile.Write(ref s_entries[place], new Entry(context, target));
            s_serial = serial;
            _ = s_free.Count > 0 ? s_free.Pop() : s_used++;
            return context;
        }
    }

    /// <summary>The target is gone.</summary>
    public static void Remove(nint context)
    {
        using (s_gate.EnterScope())
        {
            int place = (int)PlaceOf(context);
            Invariant.Assert(s_entries[place]?.Context == context, "what is removed was added");
            Volatile.Write(ref s_entries[place], null);
            s_free.Push(place);
        }
    }

    private static nuint PlaceMask => ((nuint)1 << s_serialShift) - 1;

    private static nuint PlaceOf(nint context) => (nuint)context & PlaceMask;

    private sealed class Entry(nint context, ICallbackTarget target)
    {
        public nint Context { get; } = context;

        public ICallbackTarget Target { get; } = target;
    }
}
