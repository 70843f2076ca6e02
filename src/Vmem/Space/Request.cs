using System.Numerics;
using Vmem.Diagnostics;
using Vmem.Ranges;
using Vmem.Segments;

namespace Vmem.Space;

/// <summary>One request: where the range may lie, which place is taken, what the caller gets, and who asks. Built once a call, and never
/// changed on its way.</summary>
internal readonly struct Request<T>(in Placement<T> placement, FitPolicy policy, RequestKind kind = RequestKind.Segment,
    AuditSite? site = null, ImportTerms<T> terms = default, RangeNote note = default)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The length, rounded to the quantum, and the constraints. A field, as it is long: it is passed by reference.</summary>
    public readonly Placement<T> Placement = placement;

    /// <summary>Which of the possible places is taken.</summary>
    public FitPolicy Policy { get; } = policy;

    /// <summary>What the caller gets.</summary>
    public RequestKind Kind { get; } = kind;

    /// <summary>The call it is, in an audited arena; null in any other.</summary>
    public AuditSite? Site { get; } = site;

    /// <summary>What an arena above wants of its import; else nothing.</summary>
    public ImportTerms<T> Terms { get; } = terms;

    /// <summary>What is to be kept about the range.</summary>
    public RangeNote Note { get; } = note;

    public T Size => Placement.Size;

    /// <summary>Whether both ask for any range, of the same size and by the same policy, without an audit.</summary>
    public bool IsAsPlainAs(in Request<T> other) =>
        Kind == RequestKind.Range && other.Kind == RequestKind.Range && Size == other.Size && Policy == other.Policy &&
        Placement.IsUnconstrained && other.Placement.IsUnconstrained && Site is null && other.Site is null && Note == default
            && other.Note == default;

    public static void CheckPolicy(FitPolicy policy, string parameter = "policy")
    {
        if ((uint)policy > (uint)FitPolicy.RandomFit)
        {
            throw new ArgumentOutOfRangeException(parameter, policy, "There is no such policy.");
        }
    }

    /// <summary>The ladder of preconditions: whether constraints agree with each other, with the size and with the quantum.</summary>
    public static void CheckConstraints(T size, in RangeConstraints<T> constraints, T quantum)
    {
        T align = T.IsZero(constraints.Align) ? quantum : constraints.Align;
        T noCross = constraints.NoCross;
        if (!Multiples<T>.Has(align, quantum))
        {
            Throw($"Align must be a multiple of the quantum {quantum}, and {constraints.Align} is not.");
        }

        if (!Multiples<T>.Has(constraints.Phase, quantum) || constraints.Phase >= align)
        {
            Throw($"Phase must be a multiple of the quantum {quantum} and less than Align ({align}), and {constraints.Phase} is not.");
        }

        if (T.IsZero(noCross))
        {
            return;
        }

        if (!T.IsPow2(noCross) || noCross < align)
        {
            Throw($"NoCross must be a power of two and at least Align ({align}), and {noCross} is not.");
        }

        if (!Strides<T>.CanLieBetween(size, align, constraints.Phase, noCross))
        {
            Throw($"{size} at phase {constraints.Phase} can never lie between two multiples of NoCross ({noCross}).");
        }

        static void Throw(string message) => throw new ArgumentException(message, nameof(constraints));
    }
}

/// <summary>What a caller gets for a request.</summary>
internal enum RequestKind
{
    /// <summary>A segment, found again by its address.</summary>
    Segment,

    /// <summary>A segment, found again by a handle.</summary>
    Handle,

    /// <summary>A range by its address, which may come from a quantum cache.</summary>
    Range,
}

/// <summary>What a request was given. The default value is nothing. The tag is 0 of a range that came from a cache.</summary>
internal readonly record struct Grant<T>(T Start, T Size, uint Tag = 0, ulong Generation = 0)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    public bool IsEmpty => T.IsZero(Size);

    /// <summary>The handle, of a request for one; else the default handle.</summary>
    public RangeHandle<T> Handle => Generation == 0 ? default : new RangeHandle<T>(Start, Size, Tag, Generation);
}
