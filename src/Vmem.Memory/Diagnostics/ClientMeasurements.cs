using System.Diagnostics.Metrics;
using System.Globalization;
using Vmem.Diagnostics;

namespace Vmem.Memory.Diagnostics;

/// <summary>A context, as the metrics of its clients see it.</summary>
internal interface IClientsMetered : IMetered
{
    /// <summary>Its number among the contexts of its name.</summary>
    int Instance { get; }

    /// <summary>Adds up one figure of the clients that there are, for each name. O(clients), without their locks.</summary>
    void AddUp(ClientFigure figure, Dictionary<string, long> sums);
}

/// <summary>What clients hold, as measurements: one for each name within a context.</summary>
/// <remarks>Rejected: one for each client. A server may have one for each request, and collectors keep every set of tags that they have
/// ever seen. Rejected: counts that only grow. A client takes its own along when it goes, and names may be many.</remarks>
internal static class ClientMeasurements
{
    public static IEnumerable<Measurement<long>> Of(MeteredRegistry contexts, ClientFigure figure)
    {
        foreach (IClientsMetered context in contexts.Present().OfType<IClientsMetered>())
        {
            Dictionary<string, long> sums = new(StringComparer.Ordinal);
            context.AddUp(figure, sums);
            foreach ((string name, long sum) in sums)
            {
                KeyValuePair<string, object?> client = new(MemoryMetrics.ClientNameTag, name);
                KeyValuePair<string, object?> of = new(MemoryMetrics.ContextNameTag, context.Name);
                yield return context.Instance == 1
                    ? new Measurement<long>(sum, client, of)
                    : new Measurement<long>(sum, client, of,
                        new(MemoryMetrics.ContextInstanceTag, context.Instance.ToString(CultureInfo.InvariantCulture)));
            }
        }
    }
}
