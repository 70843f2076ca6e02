using Vmem.Leasing.Arenas;
using Vmem.Leasing.Sessions;

namespace Vmem.Leasing;

// What becomes of a lease that is lost: its span is revoked, and whoever held something of it is told.
public sealed partial class LeasedArena<T>
{
    void ILeaseHolder.Lose(Holding holding, string reason)
    {
        _barrier.BeginLoss();
        try
        {
            Lose();
        }
        finally
        {
            _barrier.EndLoss();
        }

        void Lose()
        {
            _lostFences.Add(holding.Claim.Fence);
            bool isInherited = TryLoseInherited(holding);
            LeasedSpan<T>? lostSpan = _stock.Lose(holding.Claim.Fence);      // first: nothing more is handed out of it
            _revoker.Finish(Arena, _journal, start => _stock.Find(start) is not null);
            if (lostSpan is { } span)
            {
                foreach (Segment<T> range in _revoker.TakeBack(Arena, span, _journal))
                {
                    Tell(range.Start, range.Size);
                }
            }
            else if (isInherited)
            {
                Tell(T.CreateChecked(holding.Claim.Start), T.CreateChecked(holding.Claim.Size));
            }
        }

        void Tell(T start, T size)
        {
            var lost = new RangeLost<T>(new LeasedRange<T>(start, size, holding.Claim.Fence), reason);
            foreach (Action<RangeLost<T>> handler in Delegate.EnumerateInvocationList(RangeLost))
            {
                _session.Announce(() => handler(lost));
            }
        }
    }
}
