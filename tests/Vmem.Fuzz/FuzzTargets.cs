using Vmem.Fuzz.Targets;

namespace Vmem.Fuzz;

/// <summary>
/// All readers that are fuzzed. A reader that is added to the tool or the library gets a line here, and a folder of seeds.
/// </summary>
internal static class FuzzTargets
{
    public static IReadOnlyList<FuzzTarget> All { get; } =
    [
        new TraceTarget("text", TraceWords.Text),
        new TraceTarget("arena", TraceWords.Arena),
        new TraceTarget("heaptrack", TraceWords.Heaptrack),
        new TraceTarget("kinds", TraceWords.Kinds),
        new TraceTarget("mtrace", TraceWords.Mtrace),
        new TraceTarget("valgrind", TraceWords.Valgrind),
        new TraceTarget("ltrace", TraceWords.Ltrace),
        new TraceTarget("zstd", TraceWords.Zstd),
        new TraceTarget("gzip", TraceWords.Gzip),
        new MapTarget(),
        new RestoreTarget(),
        new SizeTarget(),
    ];

    public static FuzzTarget? Find(string name) => All.FirstOrDefault(target => target.Name == name);
}
