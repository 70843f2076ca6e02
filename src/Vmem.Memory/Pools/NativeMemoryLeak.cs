using System.Diagnostics;
using System.Globalization;

namespace Vmem.Memory;

/// <summary>An owner that was dropped without having been disposed of. Its memory is not free: a block stays the heap's until that is
/// disposed of, and what a <see cref="PinnedMemoryPool{T}"/> rented stays out.</summary>
/// <param name="PoolName">The pool's name.</param>
/// <param name="Length">In elements.</param>
/// <param name="Size">In bytes.</param>
/// <param name="Stack">Who rented it, innermost call first, without the library's own frames.</param>
/// <param name="ThreadId">The managed thread that did.</param>
/// <param name="ThreadName">That thread's name, if it has one.</param>
/// <param name="Time">When it did.</param>
[DebuggerDisplay("{PoolName,nq}: {Size} bytes, by thread {ThreadId} at {Time}")]
public sealed record NativeMemoryLeak(
    string PoolName,
    int Length,
    nuint Size,
    string Stack,
    int ThreadId,
    string? ThreadName,
    DateTimeOffset Time)
{
    /// <summary>The leak and its renter as text.</summary>
    /// <returns>A line, and the stack.</returns>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"pool '{PoolName}': {Size} bytes lost, rented by thread {ThreadId}{(ThreadName is null ? "" : $" '{ThreadName}'")} at {Time:O}:\n{Stack}");
}
