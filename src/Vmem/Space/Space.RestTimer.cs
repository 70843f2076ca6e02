using Vmem.Resting;

namespace Vmem.Space;

// The timer that ends rests: made when something first rests for a time, and set to the end of the first.
internal sealed partial class Space<T>
{
    /// <summary>Sets the timer to the end of the first rest, unless that is done. Under no lock.</summary>
    public void SetRestTimer()
    {
        if (_rests is not { IsTimerWrong: true, Timer: { } timer } rests)
        {
            return;
        }

        using (VisitEvenEnded())
        {
            if (_hasEnded || !timer.TryBegin(rests.Timed.Next))
            {
                return;
            }
        }

        try
        {
            for (bool isSet = false; !isSet;)
            {
                ulong next;
                using (VisitEvenEnded())
                {
                    next = timer.Aim(_hasEnded ? ulong.MaxValue : rests.Timed.Next);
                }

                timer.Set(next, rests.Now);
                using (VisitEvenEnded())
                {
                    isSet = timer.TryEnd(_hasEnded ? ulong.MaxValue : rests.Timed.Next);
                    rests.NoteTimer();
                }
            }
        }
        catch
        {
            using (VisitEvenEnded())
            {
                timer.GiveUp();
                rests.NoteTimer();
            }

            throw;
        }
    }

    /// <summary>The arena has ended. Under no lock.</summary>
    public void EndRestTimer() => _rests?.Timer?.Dispose();

    /// <summary>There is what rests need, and the timer if they end by time. Of two threads that make it the first decides. Under no
    /// lock.</summary>
    private Rests<T> BeginRests(bool isTimed)
    {
        Rests<T>? rests = Volatile.Read(ref _rests);
        if (rests is null)
        {
            Rests<T> made = new(this, _options.TimeProvider);
            rests = Interlocked.CompareExchange(ref _rests, made, null) ?? made;
            if (rests != made)
            {
                made.Release();
            }
        }

        if (isTimed && _isShared && rests.Timer is null)
        {
            RestTimer timer = new(_options.TimeProvider, static space => ((Space<T>)space!).RestsAreDue(), this);
            bool isOurs;
            using (VisitEvenEnded())
            {
                isOurs = !_hasEnded && rests.Timer is null;
                rests.Timer = isOurs ? timer : rests.Timer;
            }

            if (!isOurs)
            {
                timer.Dispose();
            }
        }

        return rests;
    }

    /// <summary>The timer has called.</summary>
    private void RestsAreDue()
    {
        try
        {
            using (Visit())
            {
                _rests!.Timer!.NoteCalled();
                _rests.NoteTimer();
            }

            EndDueRestsUnheard();
            SetRestTimer();
        }
#pragma warning disable CA1031 // That the arena has ended, or that its clock throws, there is nobody to tell.
        catch (Exception)
#pragma warning restore CA1031
        {
        }
    }
}
