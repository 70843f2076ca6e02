using System.Diagnostics;
using System.Globalization;
using System.Numerics;

namespace Vmem;

/// <summary>The live ranges that one stack allocated.</summary>
/// <param name="Stack">The stack, innermost call first, without the library's own frames.</param>
/// <param name="Ranges">How many there are.</param>
/// <param name="Size">Their total size in units; <c>T.MaxValue</c> if <typeparamref name="T"/> cannot hold it.</param>
/// <param name="OldestAge">How long ago the oldest of them was allocated.</param>
/// <param name="First">The oldest of them, at most 8; of equally old ones the lowest addresses.</param>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Size} in {Ranges} ranges, the oldest for {OldestAge}")]
public sealed record AuditGroup<T>(string Stack, long Ranges, T Size, TimeSpan OldestAge, IReadOnlyList<AuditedRange<T>> First)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>;

/// <summary>A live range of an audited arena and who allocated it.</summary>
/// <param name="Start">The first value.</param>
/// <param name="Size">The number of values, as it is now.</param>
/// <param name="Call">Which call allocated it.</param>
/// <param name="ThreadId">The managed thread that did.</param>
/// <param name="ThreadName">That thread's name, if it has one.</param>
/// <param name="Time">When it did.</param>
/// <typeparam name="T">The arena's integer type.</typeparam>
[DebuggerDisplay("{Size} at {Start}, {Call} by thread {ThreadId}")]
public readonly record struct AuditedRange<T>(T Start, T Size, AuditCall Call, int ThreadId, string? ThreadName, DateTimeOffset Time)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>The range and who allocated it, in a line.</summary>
    /// <returns>The line.</returns>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Size} at {Start}, {Call} by thread {ThreadId}{(ThreadName is null ? "" : $" '{ThreadName}'")} at {Time:O}");
}
