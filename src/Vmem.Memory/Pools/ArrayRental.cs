using System.Diagnostics;
using System.Globalization;

namespace Vmem.Memory;

/// <summary>An array that is rented from a <see cref="DebugArrayPool{T}"/>, and by whom.</summary>
/// <param name="Length">In elements.</param>
/// <param name="Stack">Who rented it, innermost call first; empty if the pool keeps no stacks.</param>
/// <param name="ThreadId">The managed thread that did.</param>
/// <param name="ThreadName">That thread's name, if it has one.</param>
/// <param name="Time">When it did.</param>
[DebuggerDisplay("{Length} elements, by thread {ThreadId} at {Time}")]
public sealed record ArrayRental(int Length, string Stack, int ThreadId, string? ThreadName, DateTimeOffset Time)
{
    /// <summary>The rental as a paragraph.</summary>
    /// <returns>A line, and the stack.</returns>
    public override string ToString() => Tell($"{Length} elements, rented");

    internal string Tell(string role) =>
        string.Create(CultureInfo.InvariantCulture, $"{role} by thread {ThreadId}{(ThreadName is null ? "" : $" '{ThreadName}'")} at {Time:O}:\n{Stack}");
}
