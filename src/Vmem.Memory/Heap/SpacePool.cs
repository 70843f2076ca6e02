using System.Diagnostics.CodeAnalysis;

namespace Vmem.Memory.Heap;

/// <summary>Spaces of heaps that were disposed of, with the memory in them, for the heaps that come next.</summary>
/// <remarks>
/// A heap that ends with what it served, a request or a level, frees all its blocks at once; it would be a poor bargain if the system then unmapped
/// its pages one by one (a quarter of a microsecond each) only to map them again for the next heap. So a few spaces are kept, each with at most
/// <see cref="MostDirty"/> in it, for <see cref="s_patience"/>; the others go back to the system at once.
/// </remarks>
internal static class SpacePool
{
    private const int MostSpaces = 4;             // arbitrary, as the two below

    private const nuint MostDirty = 64 * 1024 * 1024;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);
    private static readonly Lock s_gate = new();
    private static readonly List<(HeapSpace Space, long Since)> s_spaces = [];
    private static readonly Timer s_timer = new(static _ => ReleaseOld());

    public static bool TryTake(nuint wanted, [NotNullWhen(true)] out HeapSpace? space)
    {
        lock (s_gate)
        {
            int found = s_spaces.FindLastIndex(entry => entry.Space.Wanted == wanted);
            space = found < 0 ? null : s_spaces[found].Space;
            if (space is null)
            {
                return false;
            }

            s_spaces.RemoveAt(found);
        }

        space.Enter();
        return true;
    }

    public static void Leave(HeapSpace space)
    {
        bool kept = false;
        lock (s_gate)
        {
            if (s_spaces.Count < MostSpaces && space.DirtyBytes <= MostDirty && !space.IsShort)
            {
                s_spaces.Add((space, Environment.TickCount64));
                _ = s_timer.Change(s_patience, s_patience);
                kept = true;
            }
        }

        if (!kept)
        {
            space.Release();
        }
    }

    private static void ReleaseOld()
    {
        List<HeapSpace> old = [];
        lock (s_gate)
        {
            long limit = Environment.TickCount64 - (long)s_patience.TotalMilliseconds;
            old.AddRange(s_spaces.Where(entry => entry.Since <= limit).Select(entry => entry.Space));
            _ = s_spaces.RemoveAll(entry => entry.Since <= limit);
            if (s_spaces.Count == 0)
            {
                _ = s_timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
            }
        }

        old.ForEach(static space => space.Release());
    }
}
