using Vmem.Memory.Tests.Window;

namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>Heaps with one kind of debugging or another.</summary>
internal static class DebugStrategies
{
    private static readonly Dictionary<string, HeapDebugging> s_strategies = new()
    {
        ["default"] = HeapDebugging.Default,
        ["firewall"] = HeapDebugging.Firewall,
        ["no owners"] = HeapDebugging.Default with { Owners = false },
        ["leaks only"] = HeapDebugging.None with { Leaked = _ => { } },
        ["wide red zones, no quarantine"] = HeapDebugging.None with { RedZone = 100, PoisonFreed = true },
        ["guard pages only"] = HeapDebugging.None with { GuardPagesFrom = 1, GuardPagesTo = 10_000, Quarantine = 1 << 20 },
    };

    public static IEnumerable<string> Names => s_strategies.Keys;

    public static NativeHeap Make(string strategy, Func<HeapDebugging, HeapDebugging>? change = null, nuint limit = 0,
        OwnWindow? own = null)
    {
        HeapDebugging debugging = s_strategies[strategy];
        NativeHeapOptions options = new() { Name = strategy, Limit = limit, Debugging = change is null ? debugging : change(debugging) };
        return own?.NewHeap(options) ?? new NativeHeap(options);
    }
}
