using System.Numerics;
using Vmem.Checks;

namespace Vmem.Space;

/// <summary>Takes back what no caller has had, because of an exception that is thrown again afterwards: that one says why there is
/// nothing.</summary>
internal static class Undoing
{
    /// <summary>Takes back what was granted. It is nobody's grant afterwards: whoever called may have something to undo, too, and others
    /// may have the range by then.</summary>
    public static void Undo<T>(this Space<T> space, ref Grant<T> grant)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        Grant<T> taken = grant;
        grant = default;
        Conclusion.Undo((space, taken), static it => it.space.TakeBack(it.taken));
    }

    /// <summary>The same of ranges of one size.</summary>
    public static void Undo<T>(this Space<T> space, ReadOnlySpan<T> starts, T size)
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
    {
        foreach (T start in starts)
        {
            var grant = new Grant<T>(start, size);
            space.Undo(ref grant);
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
