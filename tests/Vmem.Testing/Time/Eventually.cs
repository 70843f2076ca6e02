using System.Diagnostics;

namespace Vmem.Testing.Time;

/// <summary>Waits for what other threads are about to do. A test that would hang fails instead.</summary>
public static class Eventually
{
    /// <summary>Only what hangs takes so long: no test is measured by it.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    /// <summary>What is about to happen needs the processor more than who looks for it.</summary>
    private static readonly TimeSpan s_eager = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(10);

    /// <summary>After so many steps all others are let run for a moment: on a busy machine a clock would run away from them.</summary>
    private const int StepsAtATime = 100;
    private static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(1);

    /// <summary>Waits until a condition holds.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="step">Done before each further look: to move a clock.</param>
    /// <exception cref="TimeoutException">It does not come to hold.</exception>
    public static Task HoldsAsync(Func<bool> condition, Action? step = null) => HoldsAsync(() => Task.FromResult(condition()), step);

    /// <inheritdoc cref="HoldsAsync(Func{bool}, Action?)"/>
    public static async Task HoldsAsync(Func<Task<bool>> condition, Action? step = null)
    {
        ArgumentNullException.ThrowIfNull(condition);
        long start = Stopwatch.GetTimestamp();
        for (int looks = 1; !await condition(); looks++)
        {
            step?.Invoke();
            TimeSpan waited = Stopwatch.GetElapsedTime(start);
            TimeSpan pause = step is null ? (waited > s_eager ? s_pause : TimeSpan.Zero)
                : looks % StepsAtATime == 0 ? s_moment : TimeSpan.Zero;
            await (pause > TimeSpan.Zero ? Task.Delay(pause) : Task.CompletedTask);
            await Task.Yield();
            if (waited > s_patience)
            {
                throw new TimeoutException($"What was awaited did not happen within {s_patience}.");
            }
        }
    }
}
