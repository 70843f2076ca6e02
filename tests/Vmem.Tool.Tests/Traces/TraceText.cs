using System.Text;
using Vmem.Tool.Traces;

namespace Vmem.Tool.Tests.Traces;

/// <summary>Reads a recording given as text, or as bytes.</summary>
internal static class TraceText
{
    public static TraceReader Open(string text) => Open(Encoding.UTF8.GetBytes(text));

    public static TraceReader Open(byte[] contents) => new(TraceInput.Open(TraceInput.StandardInput, () => new MemoryStream(contents)));

    public static List<TraceEvent> Read(string text)
    {
        using TraceReader reader = Open(text);
        return ReadAll(reader);
    }

    public static List<TraceEvent> ReadAll(TraceReader reader)
    {
        var events = new List<TraceEvent>();
        while (reader.TryRead(out TraceEvent next))
        {
            events.Add(next);
        }

        return events;
    }

    public static TraceEvent Allocate(ulong id, ulong size) => new(TraceEventKind.Allocate, id, size);

    public static TraceEvent Free(ulong id) => new(TraceEventKind.Free, id, 0);

    public static MalformedTraceException Fault(string text) => Assert.Throws<MalformedTraceException>(() => Read(text));
}
