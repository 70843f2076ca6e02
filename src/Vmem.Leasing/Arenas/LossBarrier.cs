using Vmem.Checks;

namespace Vmem.Leasing.Arenas;

/// <summary>Keeps a new lease out of the arena as long as anybody may still take it for a lost one.</summary>
/// <remarks>
/// <para>
/// A range and its fence are two looks: at the arena, and at the spans. If a span is lost in between, and the same values are leased again,
/// a range of the old lease would get the new fence, and two threads would hold it; a free of the old one would free the new one.
/// </para>
/// <para>
/// So after a loss the next span waits until all calls have ended that were under way (<see cref="CallMark"/>), and all who waited have
/// looked or wait anew (<see cref="WaitRound"/>). They then find no span there, or a lost one. It is read-copy-update in the large: what is
/// gone is not reused before its readers are gone.
/// </para>
/// <para>
/// Rejected: a handle for each range, by which the arena knows it again. Whoever frees a range has none, and who waits gets none.
/// Rejected: to wait for the readers in the loss itself. A renewal would wait for the disk of a journal.
/// </para>
/// <para>Those who wait anew may come in another order. A loss is rare, and then they have lost more than their places.</para>
/// </remarks>
internal sealed class LossBarrier
{
    /// <summary>In milliseconds. A loss takes back all ranges of a span, which takes microseconds to milliseconds. Arbitrary.</summary>
    private const int LookEvery = 1;

    private readonly Gate _lock = new();
    private WaitRound _round = new();
    private WaitRound? _former;                   // that not all have left yet
    private int _underWay;
    private long _losses;
    private long _passed;                         // of them

    /// <summary>A span is lost: before anything is done about it.</summary>
    public void BeginLoss()
    {
        using (_lock.EnterScope())
        {
            _underWay++;
            _losses++;
        }
    }

    /// <summary>The arena has nothing of the span any more.</summary>
    public void EndLoss()
    {
        using (_lock.EnterScope())
        {
            _underWay--;
        }
    }

    /// <summary>Somebody waits for a range. The round is left when the range has its fence.</summary>
    public WaitRound EnterRound()
    {
        using (_lock.EnterScope())
        {
            _round.Enter();
            return _round;
        }
    }

    /// <summary>Before a span comes. Returns at once if none was lost since the last one. One call at a time; if it throws, the next one
    /// does what this one did not.</summary>
    public async Task PassAsync(CancellationToken cancellationToken)
    {
        long losses;
        while (!IsQuiet(out losses))
        {
            await Task.Delay(LookEvery, cancellationToken).ConfigureAwait(false);
        }

        if (losses == _passed)
        {
            return;
        }

        _former ??= Turn();
        await _former.EndAsync().ConfigureAwait(false);
        _former = null;
        await CallMark.AwaitAllAsync(cancellationToken).ConfigureAwait(false);
        _passed = losses;
    }

    private bool IsQuiet(out long losses)
    {
        using (_lock.EnterScope())
        {
            losses = _losses;
            return _underWay == 0;
        }
    }

    /// <returns>The round that is over.</returns>
    private WaitRound Turn()
    {
        WaitRound next = new();
        using (_lock.EnterScope())
        {
            (WaitRound former, _round) = (_round, next);
            return former;
        }
    }
}
