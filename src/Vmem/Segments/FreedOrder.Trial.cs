using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>Ranges that are taken together, or none of them: if not all are had, each goes back to its place in the order.</summary>
/// <remarks>
/// Every cut is noted, and undone in the opposite sequence. So each finds the pieces as it left them, and a piece of which nothing was left
/// keeps its number meanwhile. Rejected: what was tried is the oldest again. That holds for single quanta only: a longer range is taken
/// from behind older ones that are too short.
/// </remarks>
internal sealed unsafe partial class FreedOrder<T>
{
    /// <summary>A piece as it was, before something was cut out of it: its place, the piece before it in the queue, and the new one that
    /// holds what was left behind the cut; 0: there is none.</summary>
    private readonly record struct Cut(uint Piece, T Start, T Size, uint Before, uint Behind, bool IsAll);

    private readonly List<Cut> _cuts = [];
    private bool _isTrying;
    private (T From, bool HasUnknown) _unknownBefore;

    /// <summary>What is taken from now on may be put back.</summary>
    public void BeginTrial()
    {
        Invariant.Assert(!_isTrying && _cuts.Count == 0, "one trial is made at a time");
        _isTrying = true;
        _unknownBefore = (UnknownFrom, HasUnknown);
    }

    /// <summary>Puts back what was taken since, or forgets how it was.</summary>
    /// <exception cref="OutOfMemoryException">The order is not what it was, and is to be given up.</exception>
    public void EndTrial(bool isUndone)
    {
        if (!_isTrying)
        {
            return;
        }

        _isTrying = false;
        for (int i = _cuts.Count - 1; i >= 0; i--)
        {
            if (isUndone)
            {
                PutBack(_cuts[i]);
            }
            else if (_cuts[i].IsAll)
            {
                _pieces.Return(_cuts[i].Piece);
            }
        }

        _cuts.Clear();
        (UnknownFrom, HasUnknown) = isUndone ? _unknownBefore : (UnknownFrom, HasUnknown);
    }

    private void PutBack(in Cut cut)
    {
        if (cut.IsAll)
        {
            _byAddress.Reserve(1);
            _byAddress.Insert(cut.Start, cut.Size, cut.Piece);
            LinkAfter(cut.Before, cut.Piece, cut.Start, HintOf(cut.Piece));
            return;
        }

        if (cut.Behind != 0)
        {
            _byAddress.Remove(StartOf(cut.Behind), SizeOf(cut.Behind));
            Unlink(cut.Behind);
            _pieces.Return(cut.Behind);
        }

        _byAddress.Replace(StartOf(cut.Piece), SizeOf(cut.Piece), cut.Start, cut.Size, cut.Piece);
        _pieces.At(cut.Piece)->Start = cut.Start;
    }

    private T SizeOf(uint piece)
    {
        bool isFound = _byAddress.TryFindLast(StartOf(piece), T.MaxValue, T.Zero, out RangeTree<T, ByStart<T>>.Cursor cursor);
        Invariant.Assert(isFound && cursor.Key == StartOf(piece), "a piece of the queue is found by its address");
        return cursor.Value;
    }
}
