namespace Vmem.Memory.Heap.Debugging;

/// <summary>Whom a heap with debugging tells of leaks and damage.</summary>
/// <remarks>Weakly. Mostly they are methods of whatever uses the heap, and so lead to it. The heap keeps them by its options, and nobody is
/// told of a heap that was dropped. Were they kept below the heap, one that was dropped would be kept by its own end, and never come to it
/// (<see cref="Lifetimes.TableKeeper"/>).</remarks>
/// <param name="debugging">What the heap's user has chosen.</param>
internal sealed class HeapListeners(HeapDebugging debugging)
{
    private readonly WeakReference<Action<HeapLeak>?> _leaked = new(debugging.Leaked);
    private readonly WeakReference<Action<HeapDamage>?> _damaged = new(debugging.Damaged);

    /// <summary>Null: nobody wants to know, or the heap is gone.</summary>
    public Action<HeapLeak>? Leaked => _leaked.TryGetTarget(out Action<HeapLeak>? told) ? told : null;

    /// <inheritdoc cref="Leaked"/>
    public Action<HeapDamage>? Damaged => _damaged.TryGetTarget(out Action<HeapDamage>? told) ? told : null;
}
