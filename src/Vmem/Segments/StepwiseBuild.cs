using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>How much of an index over tags is there. It is built in steps, and goes when nobody asks for it any more.</summary>
/// <remarks>
/// <para>
/// An index over tags, free or live ones, is begun when it is first asked for. A step enters the tags of the next
/// <see cref="TagsAtATime"/> numbers, in the order in which they lie in memory. A tag whose number is below the frontier is covered: each
/// change of it is told to the index at once. All others wait for their step. So no step is long, and whatever changes between two steps
/// is neither lost nor entered twice. When the frontier has reached every tag ever used, the index is complete, and covers new ones too.
/// </para>
/// <para>
/// Each change of a covered tag costs an update of the index, so an index must be worth that. It is idle, and is dropped, when it was told
/// of as many changes since the last question as it would take to build it again: the rule of renting or buying skis, by which neither
/// those who ask seldom nor those who ask often pay more than twice. The first time it is a quarter of that, the second time a half: who
/// asks once is soon rid of it. Rejected: dropping by time, which needs a clock on the path of every change; and a quarter every time,
/// which built the index ten times over where one request in some thousands needed it. A part is not judged like that: somebody waits for
/// it, and whoever is busy meanwhile would have it begun again for ever.
/// </para>
/// <para>Rejected: building in the order of addresses, so that a part could answer for the low addresses. It follows links through all of
/// the memory, which a prefetcher cannot.</para>
/// </remarks>
internal struct StepwiseBuild
{
    /// <summary>How many tags a step looks at: half a millisecond at most if each is a cache miss and an entry. Otherwise
    /// arbitrary.</summary>
    public const uint TagsAtATime = 2048;

    /// <summary>How many changes an index survives without a question at least. Arbitrary: small ones are cheap to keep.</summary>
    public const long LeastPatience = 1024;

    /// <summary>The same of a part. Arbitrary: many times what others change while whoever builds it waits for its turn, and too few for
    /// one that is left as a part to cost much.</summary>
    public const long PatienceOfPart = 1 << 20;

    private const uint Everything = uint.MaxValue;              // above every tag's number

    private uint _frontier;                                     // tags below are covered; 0: there is no index
    private long _patience;
    private int _given;                                         // how often it was begun and given up; 2: or more often

    /// <summary>The first tag that is not covered.</summary>
    public readonly uint Frontier => _frontier;

    /// <summary>Whether there is an index at all.</summary>
    public readonly bool IsBegun => _frontier != 0;

    /// <summary>Whether every tag is covered: the index can answer.</summary>
    public readonly bool IsComplete => _frontier == Everything;

    /// <summary>Whether so much has changed since the last question that the index is not worth its updates.</summary>
    public readonly bool IsIdle => _patience < 0;

    /// <summary>Whether changes of this tag are told to the index.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool Covers(uint tag) => tag < _frontier;

    /// <summary>Somebody wants an answer.</summary>
    /// <param name="entries">How many entries the index has.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void NoteAsked(long entries) => _patience = IsComplete ? LeastPatience + (entries >> (2 - _given)) : PatienceOfPart;

    /// <summary>Something changed, covered or not: half an index is in the way, too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void NoteChange() => _patience--;

    /// <summary>Begins a step. The tags from <see cref="Frontier"/> on are looked at one after the other, and each is followed by
    /// <see cref="Cover"/>.</summary>
    /// <param name="highWater">Every tag in use is numbered below this.</param>
    /// <returns>Where the step ends.</returns>
    public uint BeginStep(uint highWater)
    {
        Invariant.Assert(!IsComplete, "what is complete needs no step");
        _frontier = Math.Max(_frontier, 1);                     // tag 0 is no tag
        return highWater > _frontier && highWater - _frontier > TagsAtATime ? _frontier + TagsAtATime : highWater;
    }

    /// <summary>The tag at the frontier has been entered, or is none for this index.</summary>
    public void Cover()
    {
        StepCounter.Count();
        _frontier++;
    }

    /// <summary>Ends a step: behind the last tag ever used the index is complete.</summary>
    public void EndStep(uint highWater) => _frontier = _frontier >= highWater ? Everything : _frontier;

    /// <summary>The index is given up. It may be begun again.</summary>
    public void GiveUp()
    {
        _frontier = 0;
        _patience = 0;
        _given = Math.Min(_given + 1, 2);
    }
}
