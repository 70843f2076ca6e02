using System.Diagnostics;

namespace Vmem.Checks;

/// <summary>Who may begin the next turn of a lock that is worked in turns (<see cref="ArenaLock"/>). All times are time stamps.</summary>
internal static class LockTurns
{
    /// <summary>How long a turn is: 2 ms, half of what a scheduler commonly lets a runnable thread wait.</summary>
    /// <remarks>It must be long against the time in which the arena's lines move over: at 10^4 live segments all of a quarter of a
    /// megabyte. With turns of 0.5 ms two threads did 0.6 to 0.8 of the work of one, with 4 ms no more than with 2.</remarks>
    public static readonly long Length = Stopwatch.Frequency / 500;

    /// <summary>Who has waited for so many turns may become the heir. Arbitrary.</summary>
    public const int BeforeHeir = 4;

    /// <summary>Whether a waiter may begin a turn of its own.</summary>
    /// <param name="began">When it began to wait.</param>
    /// <param name="now">What time it is.</param>
    /// <param name="turnBegan">When the turn began.</param>
    /// <param name="heir">Since when the heir waits; 0: there is none.</param>
    public static bool MayBegin(long began, long now, long turnBegan, long heir) =>
        now - turnBegan > Length && (heir == 0 || heir == began);

    /// <summary>Whether a waiter may become the heir.</summary>
    public static bool MayInherit(long began, long now, long heir) => now - began > BeforeHeir * Length && (heir == 0 || began < heir);
}
