using Vmem.Diagnostics;

namespace Vmem.Memory.Diagnostics;

/// <summary>The tables that <see cref="VmemProcess.Dump"/> ends with: heaps, pools, and contexts with their clients.</summary>
internal static class MemoryDump
{
    public static void Write(TextWriter writer)
    {
        Write(writer, MemoryMetrics.Heaps, $"{"HEAP",-32}  {"IN USE",16}  {"CACHED",16}  {"HELD",16}  {"RESIDENT",16}  {"BLOCKS",10}  {"SUCCEED",14}  {"FAIL",8}");
        Write(writer, MemoryMetrics.Pools, $"{"POOL",-32}  {"OUTSTANDING",12}  {"RENTED",20}  {"LOST",8}  ELEMENTS");
        Write(writer, MemoryMetrics.Contexts, heading: "CONTEXTS");
    }

    private static void Write(TextWriter writer, MeteredRegistry registry, string heading)
    {
        List<IMetered> present = registry.Present();
        if (present.Count > 0)
        {
            writer.WriteLine();
            writer.WriteLine(heading);
        }

        foreach (IMetered subject in present.OrderBy(static subject => subject.Name, StringComparer.Ordinal))
        {
            (subject as IDumped)?.Write(writer);
        }
    }
}
