namespace Vmem.Memory.Pools;

/// <summary>What a <see cref="DebugArrayPool{T}"/> knows of an array. It lives and dies with the array, and tells the pool if the array
/// dies while it is rented.</summary>
/// <param name="lost">Called on the thread of finalisers; throws nothing.</param>
internal sealed class PooledArray(Action<ArrayRental> lost)
{
    ~PooledArray()
    {
        if (Rental is { } rental)
        {
            lost(rental);
        }
    }

    /// <summary>Who has it; null: it is the pool's, or on its way there. Changes under the pool's gate.</summary>
    public ArrayRental? Rental { get; set; }

    /// <summary>Who had it last.</summary>
    public ArrayRental? Rented { get; set; }

    /// <summary>Who returned it last.</summary>
    public ArrayRental? Returned { get; set; }
}
