using System.Numerics;
using Vmem.Checks;
using Vmem.Space;

namespace Vmem.Waiting;

/// <summary>Listens to a source while there is a reason to: it counts the reasons.</summary>
/// <remarks>A subscription counts when it has been made. Whoever has a reason before that subscribes, too: the other may yet fail. So there
/// may be several, and all end with the last reason.</remarks>
internal sealed class SourceListener<T>(INotifyingArenaSource<T>? source, Action mayHaveRoom)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private long _reasons;
    private long _subscriptions;

    /// <summary>One more reason to listen, which the source does from now on.</summary>
    public void Listen(Space<T> space)
    {
        if (source is null)
        {
            return;
        }

        using (space.VisitEvenEnded())
        {
            _reasons++;
            if (_subscriptions > 0)
            {
                return;
            }
        }

        try
        {
            source.Subscribe(mayHaveRoom);
        }
        catch
        {
            Conclusion.Undo((Listener: this, space), static it => it.Listener.StopListening(it.space));
            throw;
        }

        using (space.VisitEvenEnded())
        {
            _subscriptions++;
            space.NoteListening(1);               // not before it does: what others wait for is kept by nobody
        }
    }

    /// <summary>One reason less.</summary>
    public void StopListening(Space<T> space)
    {
        if (source is null)
        {
            return;
        }

        long ended = 0;
        using (space.VisitEvenEnded())
        {
            if (--_reasons == 0)
            {
                (ended, _subscriptions) = (_subscriptions, 0);
                space.NoteListening(-(int)ended);
            }
        }

        Conclusion end = default;
        for (; ended > 0; ended--)
        {
            end.Take((source, mayHaveRoom), static it => it.source.Unsubscribe(it.mayHaveRoom));
        }

        end.Throw();
    }
}
