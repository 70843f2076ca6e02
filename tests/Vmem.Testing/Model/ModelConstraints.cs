using System.Numerics;

namespace Vmem.Testing.Model;

/// <summary>A request's constraints on the model's number line. Zero means "no such constraint", <see cref="Max"/> is exclusive.</summary>
public readonly record struct ModelConstraints(int Align, int Phase, int NoCross, int Min, int Max)
{
    /// <summary>
    /// Whether a request of <paramref name="size"/> (already rounded up) may be made with these constraints at all. Each line is one
    /// precondition of the design's "Constraints" section.
    /// </summary>
    public bool AreWellFormed(int size, int quantum)
    {
        int align = Align == 0 ? quantum : Align;
        return IsPowerOfTwoOrZero(NoCross)
            && Align % quantum == 0
            && Phase % quantum == 0
            && Phase < align
            && (NoCross == 0 || NoCross >= align)
            && (NoCross == 0 || HasPlaceBetween(size, align));
    }

    /// <summary>Whether, on an endless number line, any aligned place lies between two multiples of NoCross: they repeat after as many
    /// places as NoCross is long.</summary>
    private bool HasPlaceBetween(int size, int align)
    {
        for (long place = 0; place < NoCross; place++)
        {
            if (((Phase + (place * align)) % NoCross) + size <= NoCross)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The same for an arena of that type, which must be able to hold them.</summary>
    public RangeConstraints<T> For<T>()
        where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T> => new()
        {
            Align = T.CreateChecked(Align),
            Phase = T.CreateChecked(Phase),
            NoCross = T.CreateChecked(NoCross),
            Min = T.CreateChecked(Min),
            Max = T.CreateChecked(Max),
        };

    private static bool IsPowerOfTwoOrZero(int value) => (value & (value - 1)) == 0;
}
