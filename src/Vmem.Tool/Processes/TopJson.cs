using System.Text;
using System.Text.Json;

namespace Vmem.Tool.Processes;

/// <summary>What scripts read: a JSON object a line.</summary>
internal static class TopJson
{
    public static string Sample(int pid, double intervalSeconds, IEnumerable<MeasuredThing> things) => Write(json =>
    {
        json.WriteNumber("pid", pid);
        json.WriteNumber("interval", intervalSeconds);
        json.WriteStartArray("things");
        foreach (MeasuredThing thing in things)
        {
            json.WriteStartObject();
            json.WriteString("kind", thing.Kind);
            json.WriteString("name", thing.Name);
            json.WriteString("instance", thing.Instance);
            foreach ((string figure, double value) in thing.Values)
            {
                json.WriteNumber(figure, value);
            }

            foreach ((string figure, double rate) in thing.Rates)
            {
                json.WriteNumber(figure + "_per_second", rate);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    public static string Process(int pid, string name, Rundown rundown) => Write(json =>
    {
        json.WriteNumber("pid", pid);
        json.WriteString("name", name);
        json.WriteStartArray("arenas");
        foreach (ArenaFigures arena in rundown.Arenas)
        {
            json.WriteStartObject();
            json.WriteString("name", arena.Name);
            json.WriteNumber("instance", arena.Instance);
            json.WriteString("type", arena.Type);
            json.WriteString("policy", arena.Policy);
            json.WriteString("source", arena.Source);
            json.WriteNumber("quantum", arena.Quantum);
            json.WriteNumber("size", arena.Size);
            json.WriteNumber("in_use", arena.InUse);
            json.WriteNumber("free", arena.Free);
            json.WriteNumber("largest_free", arena.LargestFree);
            json.WriteNumber("peak", arena.Peak);
            json.WriteNumber("segments", arena.Segments);
            json.WriteNumber("failures", arena.Failures);
            json.WriteNumber("waiting", arena.Waiting);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    private static string Write(Action<Utf8JsonWriter> members)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartObject();
            members(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }
}
