namespace Vmem.Testing.Model;

/// <summary>How a call ended.</summary>
public enum OutcomeKind
{
    /// <summary>It did what was asked.</summary>
    Done,

    /// <summary>It found no room, or the span in use: a <c>Try…</c> returned false, or the throwing variant said that the arena is
    /// exhausted.</summary>
    Refused,

    /// <summary>The arguments could never be right: an <see cref="ArgumentException"/>.</summary>
    BadArgument,

    /// <summary>An <see cref="InvalidFreeException"/>.</summary>
    BadFree,
}

/// <summary>How a call ended, the value it gave, and the reason if it was a wrong free. Exceptions are turned into these so that model and
/// arena can be compared.</summary>
public readonly record struct Outcome(OutcomeKind Kind, int Value = 0, InvalidFreeReason Reason = default)
{
    public static Outcome Refused => new(OutcomeKind.Refused);

    public static Outcome BadArgument => new(OutcomeKind.BadArgument);

    public static Outcome Done(int value = 0) => new(OutcomeKind.Done, value);

    public static Outcome BadFree(InvalidFreeReason reason) => new(OutcomeKind.BadFree, 0, reason);

    public static Outcome When(bool done) => done ? Done() : Refused;
}
