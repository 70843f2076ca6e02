using System.Numerics;
using Vmem.Checks;

namespace Vmem.Space;

/// <summary>Takes back what no caller has had, because of an exception that is thrown again afterwards: that one says why there is
/// nothing.</summary>
internal static class Undoing
{
    public static void Undo<T>(this Space<T> space, in Grant<T> grant)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> =>
        Conclusion.Undo((space, grant), static it => it.space.TakeBack(it.grant));

    /// <summary>The same of ranges of one size.</summary>
    public static void Undo<T>(this Space<T> space, ReadOnlySpan<T> starts, T size)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        foreach (T start in starts)
        {
            space.Undo(new Grant<T>(start, size));
        }
    }

    /// <summary>The same of pieces.</summary>
    public static void Undo<T>(this Space<T> space, ReadOnlySpan<Segment<T>> pieces)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        foreach (Segment<T> piece in pieces)
        {
            Conclusion.Undo((space, piece), static it => it.space.TakeBack(it.piece.Start, it.piece.Size));
        }
    }

    /// <summary>Adds pieces to a collection of the caller's. If that throws, those that it has not got are free again.</summary>
    public static void AddTo<T>(this Space<T> space, ICollection<Segment<T>>? collection, ReadOnlySpan<Segment<T>> pieces)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        int added = 0;
        try
        {
            for (; added < pieces.Length; added++)
            {
                collection?.Add(pieces[added]);
            }
        }
        catch
        {
            space.Undo(pieces[added..]);
            throw;
        }
    }
}
