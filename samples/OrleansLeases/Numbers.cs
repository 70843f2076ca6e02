using System.Collections.Concurrent;
using Orleans.Streams;

namespace Vmem.Samples;

public interface INumbers : IGrainWithStringKey;

/// <summary>A grain for each stream of numbers: it notes what arrives.</summary>
[ImplicitStreamSubscription(Name)]
public sealed class Numbers : Grain, INumbers, IAsyncObserver<int>
{
    public const string Name = "numbers";

    /// <summary>A queue may be read twice, by two silos, in the moment when it goes from one to the other: so each counts once.</summary>
    public static ConcurrentDictionary<(string Stream, int Number), bool> Arrived { get; } = [];

    public override async Task OnActivateAsync(CancellationToken cancellationToken)
    {
        IAsyncStream<int> stream = this.GetStreamProvider(Name).GetStream<int>(StreamId.Create(Name, this.GetPrimaryKeyString()));
        await stream.SubscribeAsync(this);
    }

    public Task OnNextAsync(int item, StreamSequenceToken? token = null)
    {
        Arrived[(this.GetPrimaryKeyString(), item)] = true;
        return Task.CompletedTask;
    }

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;
}
