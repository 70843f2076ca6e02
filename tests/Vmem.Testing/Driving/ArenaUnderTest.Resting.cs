using Vmem.Testing.Model;

namespace Vmem.Testing.Driving;

public sealed partial class ArenaUnderTest<T>
{
    public Outcome FreeLater(int start, int size, int delay, int fence)
    {
        Journal?.Line(fence >= 0 ? $"arena.FreeAt({Address(start)}, {size}, {fence});" : $"arena.FreeAfter({Address(start)}, {size}, TimeSpan.FromMilliseconds({delay}));");
        return Guard(() =>
        {
            if (fence >= 0)
            {
                _arena.FreeAt(Address(start), Amount(size), (ulong)fence);
            }
            else
            {
                _arena.FreeAfter(Address(start), Amount(size), TimeSpan.FromMilliseconds(delay));
            }

            _calls?.NoteFreed(Address(start));
            return Outcome.Done();
        });
    }

    public Outcome FreeHandleLater(int ordinal, int delay, int fence)
    {
        RangeHandle<T> handle = _handles[ordinal];
        Journal?.Line(fence >= 0 ? $"arena.FreeAt(handle{ordinal}, {fence});" : $"arena.FreeAfter(handle{ordinal}, TimeSpan.FromMilliseconds({delay}));");
        return Guard(() =>
        {
            if (fence >= 0)
            {
                _arena.FreeAt(handle, (ulong)fence);
            }
            else
            {
                _arena.FreeAfter(handle, TimeSpan.FromMilliseconds(delay));
            }

            _calls?.NoteFreed(handle.Start);
            return Outcome.Done();
        });
    }

    public void CompleteFence(int fence)
    {
        Journal?.Line($"arena.CompleteFence({fence});");
        _arena.CompleteFence((ulong)fence);
    }

    public void Advance(int milliseconds)
    {
        Journal?.Line($"time.Advance(TimeSpan.FromMilliseconds({milliseconds}));");
        _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
    }
}
