using System.Diagnostics.Tracing;
using System.Globalization;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;

namespace Vmem.Tool.Processes;

/// <summary>The figures of a running process, once an interval: those that its metrics show anyway, read from outside.</summary>
/// <remarks>Rejected: a figure event of our own, sent on a timer in the process. It would be a second list of instruments, and programs
/// with an older Vmem would not have it.</remarks>
internal sealed class MetricsFeed(int pid, double intervalSeconds) : IDisposable
{
    private const string Provider = "System.Diagnostics.Metrics";
    private const long TimeSeriesKeyword = 0x2;
    private const string ClientTag = "vmem.client.name=";
    private const string ContextTag = ",vmem.context.name=";

    private readonly EventSession _session = new(pid, ProviderFor(intervalSeconds), bufferMegabytes: 16);
    private readonly Dictionary<(string, string, string), MeasuredThing> _things = [];
    private bool _isOurs;

    /// <summary>Calls this with all that was measured, after each interval. Blocks until <see cref="Stop"/>, or until the process
    /// ends.</summary>
    public void Read(Action<IReadOnlyCollection<MeasuredThing>> heed) => _session.Read(Provider, each => Heed(each, heed));

    /// <summary>Callable by any thread but the one that reads.</summary>
    public void Stop() => _session.Stop();

    public void Dispose() => _session.Dispose();

    private static EventPipeProvider ProviderFor(double intervalSeconds) => new(Provider, EventLevel.Informational, TimeSeriesKeyword,
        new Dictionary<string, string>
        {
            ["SessionId"] = "SHARED",             // others may look, too, as dotnet-counters does
            ["ClientId"] = Guid.NewGuid().ToString(),
            ["Metrics"] = "Vmem,Vmem.Memory,Vmem.Leasing",
            ["RefreshInterval"] = intervalSeconds.ToString(CultureInfo.InvariantCulture),
            ["MaxTimeSeries"] = "100000",
            ["MaxHistograms"] = "100",
        });

    private void Heed(TraceEvent each, Action<IReadOnlyCollection<MeasuredThing>> heed)
    {
        // By their numbers: the reader makes "Collection/Start" and "Collection/Stop" of these names.
        switch (((int)each.ID, each.EventName))
        {
            case (2, _):
                foreach (MeasuredThing thing in _things.Values)
                {
                    thing.IsThere = false;
                }

                _isOurs = true;
                break;

            case (3, _) when _isOurs:
                foreach (((string, string, string) key, MeasuredThing thing) in _things)
                {
                    if (!thing.IsThere)
                    {
                        _ = _things.Remove(key);              // a dictionary allows that while it is read
                    }
                }

                heed(_things.Values);
                break;

            case (_, "GaugeValuePublished"):
                Note(each, "lastValue");
                break;

            case (_, "CounterRateValuePublished" or "UpDownCounterRateValuePublished"):
                Note(each, "value");
                break;
        }
    }

    private void Note(TraceEvent each, string valueName)
    {
        string instrument = Text(each, "instrumentName");
        (string kind, string figure) = Split(instrument);
        (string name, string instance) = Tags(Text(each, "tags"));
        if (name.Length == 0 || !double.TryParse(Text(each, valueName), CultureInfo.InvariantCulture, out double value))
        {
            return;
        }

        if (!_things.TryGetValue((kind, name, instance), out MeasuredThing? thing))
        {
            _things.Add((kind, name, instance), thing = new MeasuredThing(kind, name, instance));
        }

        thing.IsThere = true;
        thing.Values[figure] = value;
        if (each.EventName == "CounterRateValuePublished" && double.TryParse(Text(each, "rate"), CultureInfo.InvariantCulture, out double rate))
        {
            thing.Rates[figure] = rate / intervalSeconds;
        }
    }

    private static string Text(TraceEvent each, string name) => each.PayloadByName(name) as string ?? "";

    /// <summary>"vmem.arena.in_use" is the figure "in_use" of an arena.</summary>
    internal static (string Kind, string Figure) Split(string instrument)
    {
        string[] parts = instrument.Split('.', 3);
        return parts.Length == 3 ? (parts[1], parts[2]) : ("", instrument);
    }

    /// <summary>The name and the instance, from "vmem.arena.name=x,vmem.arena.instance=2". A name may hold anything. Of clients it is
    /// "x of y", from "vmem.client.name=x,vmem.context.name=y".</summary>
    internal static (string Name, string Instance) Tags(string tags)
    {
        int context = tags.StartsWith(ClientTag, StringComparison.Ordinal)
            ? tags.LastIndexOf(ContextTag, StringComparison.Ordinal)
            : -1;
        if (context >= 0)
        {
            (string of, string number) = Tags(tags[(context + 1)..]);
            return ($"{tags[ClientTag.Length..context]} of {of}", number);
        }

        int instanceAt = tags.LastIndexOf(".instance=", StringComparison.Ordinal);
        int comma = instanceAt < 0 ? -1 : tags.LastIndexOf(",vmem.", instanceAt, StringComparison.Ordinal);
        string instance = comma < 0 ? "1" : tags[(instanceAt + ".instance=".Length)..];
        string first = comma < 0 ? tags : tags[..comma];
        int equals = first.IndexOf('=', StringComparison.Ordinal);
        return equals < 0 ? ("", "1") : (first[(equals + 1)..], instance);
    }
}
