using Vmem.Testing.Time;

namespace Vmem.Tests.Objects;

/// <summary>An object cache of widgets with a clock of its own, that counts what its callbacks are asked for.</summary>
internal sealed class WidgetShop : IDisposable
{
    private int _constructed;
    private int _destructed;

    public WidgetShop(ObjectCacheOptions? options = null)
    {
        Cache = new ObjectCache<Widget>("widgets", Construct, Destruct, () => Reclaim?.Invoke(), (options ?? new()) with { TimeProvider = Time });
    }

    public ManualTime Time { get; } = new();

    public ObjectCache<Widget> Cache { get; }

    /// <summary>Called before an object is made, with its number; may throw.</summary>
    public Action<int>? Constructing { get; set; }

    /// <summary>Called when an object has been destructed; may throw.</summary>
    public Action<Widget>? Destructed { get; set; }

    public Action? Reclaim { get; set; }

    public int ConstructedCount => Volatile.Read(ref _constructed);

    public int DestructedCount => Volatile.Read(ref _destructed);

    public void PassInterval() => Time.Advance(TimeSpan.FromSeconds(15));

    /// <summary>Rents so many and returns them all.</summary>
    public void Fill(int count) => Array.ForEach([.. Enumerable.Range(0, count).Select(_ => Cache.Rent())], Cache.Return);

    public void Dispose()
    {
        Destructed = null;
        Cache.Dispose();
    }

    private Widget Construct()
    {
        Constructing?.Invoke(_constructed + 1);
        return new Widget(Interlocked.Increment(ref _constructed));
    }

    private void Destruct(Widget widget)
    {
        if (widget.IsDestructed)
        {
            throw new InvalidOperationException($"{widget.Number} is destructed twice.");
        }

        widget.IsDestructed = true;
        Interlocked.Increment(ref _destructed);
        Destructed?.Invoke(widget);
    }
}
