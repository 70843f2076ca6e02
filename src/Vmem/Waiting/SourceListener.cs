using System.Numerics;
using Vmem.Space;

namespace Vmem.Waiting;

/// <summary>Listens to a source while there is a reason to: it counts the reasons, and subscribes with the first.</summary>
internal sealed class SourceListener<T>(INotifyingArenaSource<T>? source, Action mayHaveRoom)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private long _reasons;

    /// <summary>One more reason to listen.</summary>
    /// <returns>Whether it was the first.</returns>
    public bool Listen(Space<T> space)
    {
        if (source is null || Count(space, 1) != 1)
        {
            return false;
        }

        try
        {
            source.Subscribe(mayHaveRoom);
            using (space.VisitEvenEnded())
            {
                space.NoteListening(1);           // not before it does: what others wait for is kept by nobody
            }

            return true;
        }
        catch
        {
            _ = Count(space, -1);
            throw;
        }
    }

    /// <summary>One reason less.</summary>
    public void StopListening(Space<T> space)
    {
        if (source is not null && Count(space, -1) == 0)
        {
            source.Unsubscribe(mayHaveRoom);
        }
    }

    private long Count(Space<T> space, int by)
    {
        using (space.VisitEvenEnded())
        {
            _reasons += by;
            if (_reasons == 0)
            {
                space.NoteListening(-1);
            }

            return _reasons;
        }
    }
}
