using System.Diagnostics;
using System.Globalization;
using System.Numerics;

namespace Vmem;

/// <summary>Why a request does not fit.</summary>
public enum FitFailure
{
    /// <summary>It fits.</summary>
    None,

    /// <summary>The arena has no span at all, or none but those that drain.</summary>
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
[DebuggerDisplay("{Size}: fits: {Fits}, {Failure}, {Free} free, {LargestFree} of it in one piece")]
public readonly record struct FitReport<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Whether the request would be met at once from what the arena holds now: without importing, and without cutting a rest
    /// short.</summary>
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

    /// <summary>What nobody holds in spans that drain (<see cref="Arena{T}.TryDrainSpan"/>): no request can have it.</summary>
    public T Draining { get; init; }

    /// <summary>The largest span that does not drain.</summary>
    public T LargestSpan { get; init; }

    /// <summary>Free segments that are at least <see cref="Size"/> long, whatever the constraints.</summary>
    public long LongEnough { get; init; }

    /// <summary>Whether the arena has a source from which it would try to import what is missing.</summary>
    public bool CanImport { get; init; }

    /// <summary>What is in the way at the place or in the window that was asked for.</summary>
    public FitObstacle Obstacle { get; init; }

    /// <summary>The lowest segment that takes a part of the place, if there is but one place: if the window is just as long as the request.
    /// Null: there is no such segment, or more than one place.</summary>
    public Segment<T>? Holder { get; init; }

    /// <summary>The first value asked for that lies in no span, if <see cref="Obstacle"/> is
    /// <see cref="FitObstacle.OutsideSpans"/>.</summary>
    public T OutsideStart { get; init; }

    /// <summary>How many values from there on lie in no span; else 0.</summary>
    public T OutsideSize { get; init; }

    /// <summary>The constraints of a request that does not fit.</summary>
    public RangeConstraints<T> Constraints { get; init; }

    /// <summary>The arena's <see cref="ArenaOptions{T}.Limit"/>, if that forbids an import that might have helped; else 0.</summary>
    public T Limit { get; init; }

    /// <summary>The report in plain English: a sentence that says why, and what the source and the limit have to do with it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Sentence}{(CanImport && !Fits ? " The arena would ask its source." : "")}{LimitSentence}");

    private string LimitSentence => T.IsZero(Limit) ? "" : string.Create(CultureInfo.InvariantCulture, $" {(CanImport ? "Some imports" : "An import")} would exceed the arena's limit of {Limit} (ArenaOptions.Limit).");

    internal string Sentence => Fits || T.IsZero(Draining) ? Reason : Text($"{Reason} Another {Draining} that nobody holds lies in spans that drain.");

    private string Reason =>
        Obstacle == FitObstacle.None || Fits || (Failure == FitFailure.NoSpan && Holder is null) ? Plain : Text(Obstacle switch
        {
            FitObstacle.Taken when Holder is { } holder => $"{Place} is not free: {Name(holder.Kind)} segment of {holder.Size} at {holder.Start} is there.",
            FitObstacle.Taken => $"Nothing as long as {Size} is free in {Window}.",
            FitObstacle.OutsideSpans => $"{Place} is not to be had: {OutsideSize} at {OutsideStart} lies in no span.",
            FitObstacle.Misaligned => $"Enough is free in one piece{(HasWindow ? $" in {Window}" : "")}, but no place for {Size} there has {Alignment}.",
            FitObstacle.WindowTooShort => $"{Window} holds no place for {Size}{(T.IsZero(Constraints.Align) ? "" : $" that has {Alignment}")}, whatever is free.",
            _ => $"{Place} is free, but lies in two spans that touch and were not joined.",
        });

    private bool HasWindow => !T.IsZero(Constraints.Min) || !T.IsZero(Constraints.Max);

    private string Window => Text($"[{Constraints.Min}, {(T.IsZero(Constraints.Max) ? "the top of the type" : Text($"{Constraints.Max}"))})");

    private string Place => Text(Constraints.Max - Constraints.Min == Size ? $"{Size} at {Constraints.Min}" : (FormattableString)$"{Size} in {Window}");

    private string Alignment => Text($"Align {Constraints.Align}{(T.IsZero(Constraints.Phase) ? "" : Text($", Phase {Constraints.Phase}"))}{(T.IsZero(Constraints.NoCross) ? "" : Text($", NoCross {Constraints.NoCross}"))}");

    private static string Text(FormattableString text) => FormattableString.Invariant(text);

    private static string Name(SegmentKind kind) => kind == SegmentKind.Allocated ? "an allocated" : $"a {kind.ToString().ToLowerInvariant()}";

    private string Plain => Failure switch
    {
        FitFailure.None => string.Create(CultureInfo.InvariantCulture, $"{Size} fits at {Start}."),
        FitFailure.NoSpan => T.IsZero(Draining) ? "The arena has no span." : "The arena has no span that does not drain.",
        FitFailure.LargerThanAnySpan => string.Create(CultureInfo.InvariantCulture, $"{Size} is more than the largest span, {LargestSpan}."),
        FitFailure.NotEnoughFree when T.IsZero(Free) => string.Create(CultureInfo.InvariantCulture, $"{Size} was asked for and nothing is free."),
        FitFailure.NotEnoughFree => string.Create(CultureInfo.InvariantCulture, $"{Size} was asked for and only {Free} is free."),
        FitFailure.Fragmented => string.Create(CultureInfo.InvariantCulture, $"{Free} is free, but in pieces of at most {LargestFree}, and {Size} was asked for."),
        FitFailure.Constraints => string.Create(CultureInfo.InvariantCulture, $"{LongEnough} free segments are at least {Size} long, but in none is there a place that satisfies the constraints."),
        _ => Failure.ToString(),
    };
}
