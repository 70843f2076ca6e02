using System.Collections.Concurrent;

namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>What happened in runs against the model: steps that never reach a case prove nothing about it.</summary>
internal sealed class ContextTally
{
    /// <summary>Every case that enough generated steps must reach.</summary>
    public static readonly string[] Cases =
    [
        "allocated", "allocated large", "refused by the quota", "refused for want of room", "refused for want of room, large",
        "reallocated in place", "reallocated elsewhere", "reallocation refused", "resized", "not resized",
        nameof(InvalidFreeReason.NotAllocated), nameof(InvalidFreeReason.AlreadyFree), nameof(InvalidFreeReason.InteriorAddress),
        nameof(InvalidFreeReason.OtherOwner), nameof(InvalidFreeReason.Corrupted), "disposed with blocks", "trimmed", "scribbled",
    ];

    private readonly ConcurrentDictionary<string, int> _counts = new(Cases.Select(name => KeyValuePair.Create(name, 0)));

    public int this[string name] => _counts[name];

    public void Count(string name) => _counts.AddOrUpdate(name, 1, (_, count) => count + 1);

    public override string ToString() => string.Join(", ", Cases.Select(name => $"{name} {_counts[name]:N0}"));
}
