using System.Collections.Immutable;

namespace Vmem.Leasing.Sqlite;

/// <summary>Those of this process who wait for room.</summary>
internal sealed class RoomWatchers
{
    private ImmutableList<Watch> _watches = [];

    public IDisposable Add(int arena, Action mayHaveRoom)
    {
        Watch watch = new(this, arena, mayHaveRoom);
        ImmutableInterlocked.Update(ref _watches, static (watches, added) => watches.Add(added), watch);
        return watch;
    }

    /// <summary>Tells those who wait for an arena; null: for any.</summary>
    public void Tell(int? arena)
    {
        foreach (Watch watch in Volatile.Read(ref _watches))
        {
            if (arena is null || watch.Arena == arena)
            {
                Tell(watch);
            }
        }
    }

    private static void Tell(Watch watch)
    {
        try
        {
            watch.MayHaveRoom();
        }
        catch (Exception)
        {
            // It is a hint. The call that made room has happened, and must not look as if it had not; and the others are told.
        }
    }

    private sealed record Watch(RoomWatchers Watchers, int Arena, Action MayHaveRoom) : IDisposable
    {
        public void Dispose() => ImmutableInterlocked.Update(ref Watchers._watches,
            static (watches, ended) => watches.Remove(ended, ReferenceEqualityComparer.Instance), this);
    }
}
