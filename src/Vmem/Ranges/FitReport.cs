using System.Globalization;
using System.Numerics;

namespace Vmem;

/// <summary>Why a request does not fit.</summary>
public enum FitFailure
{
    /// <summary>It fits.</summary>
    None,

    /// <summary>The arena has no span at all.</summary>
    NoSpan,

    /// <summary>No span is as long as the request: nothing that is freed will help, only a larger span.</summary>
    LargerThanAnySpan,

    /// <summary>Less is free in total than was asked for.</summary>
    NotEnoughFree,

    /// <summary>Enough is free in total, but no free segment is as long as the request.</summary>
    Fragmented,

    /// <summary>Some free segment is long enough, but none has a place that satisfies the constraints.</summary>
    Constraints,
}

/// <summary>The answer of <see cref="Arena{T}.Explain"/>: would a request fit, where, and if not, why not.</summary>
/// <typeparam name="T">The arena's integer type.</typeparam>
public readonly record struct FitReport<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Whether the request would be met at once from what the arena holds now, without importing.</summary>
    public bool Fits => Failure == FitFailure.None;

    /// <summary>The lowest address that satisfies the request; 0 when <see cref="Fits"/> is false.</summary>
    public T Start { get; init; }

    /// <summary>The request, rounded up to the quantum.</summary>
    public T Size { get; init; }

    /// <summary>Why it does not fit.</summary>
    public FitFailure Failure { get; init; }

    /// <summary>What is free in total.</summary>
    public T Free { get; init; }

    /// <summary>The largest free segment.</summary>
    public T LargestFree { get; init; }

    /// <summary>The largest span.</summary>
    public T LargestSpan { get; init; }

    /// <summary>Free segments that are at least <see cref="Size"/> long, whatever the constraints.</summary>
    public long LongEnough { get; init; }

    /// <summary>Whether the arena has a source from which it would try to import what is missing.</summary>
    public bool CanImport { get; init; }

    /// <summary>The report as one English sentence.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Sentence}{(CanImport && !Fits ? " The arena would ask its source." : "")}");

    internal string Sentence => Failure switch
    {
        FitFailure.None => string.Create(CultureInfo.InvariantCulture, $"{Size} fits at {Start}."),
        FitFailure.NoSpan => "The arena has no span.",
        FitFailure.LargerThanAnySpan => string.Create(CultureInfo.InvariantCulture, $"{Size} is more than the largest span, {LargestSpan}."),
        FitFailure.NotEnoughFree when T.IsZero(Free) => string.Create(CultureInfo.InvariantCulture, $"{Size} was asked for and nothing is free."),
        FitFailure.NotEnoughFree => string.Create(CultureInfo.InvariantCulture, $"{Size} was asked for and only {Free} is free."),
        FitFailure.Fragmented => string.Create(CultureInfo.InvariantCulture, $"{Free} is free, but in pieces of at most {LargestFree}, and {Size} was asked for."),
        FitFailure.Constraints => string.Create(CultureInfo.InvariantCulture, $"{LongEnough} free segments are at least {Size} long, but in none is there a place that satisfies the constraints."),
        _ => Failure.ToString(),
    };
}
