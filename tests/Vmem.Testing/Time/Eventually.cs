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
        while (!await condition())
        {
            step?.Invoke();
            TimeSpan waited = Stopwatch.GetElapsedTime(start);
            await (step is null && waited > s_eager ? Task.Delay(s_pause) : Task.CompletedTask);
            await Task.Yield();
            if (waited > s_patience)
            {
                throw new TimeoutException($"What was awaited did not happen within {s_patience}.");
            }
        }
    }
}
