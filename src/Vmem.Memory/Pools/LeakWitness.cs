namespace Vmem.Memory.Pools;

/// <summary>Goes with an owner for one rental, and tells if both are lost.</summary>
/// <remarks>
/// Nothing but the owner refers to it, and to the owner whoever rented it, every <see cref="Memory{T}"/> of it and every pin: so it is
/// finalised when none of these is left. What is done then is the pool's matter. A span or a pointer keeps nothing alive and may be in use
/// yet. Rejected: a finaliser of the owner itself, which would make two kinds of owners.
/// </remarks>
internal sealed class LeakWitness<TOwner> : IDisposable
    where TOwner : class
{
    private readonly TOwner _owner;
    private readonly NativeMemoryLeak _leak;
    private readonly long _pressure;
    private readonly Action<TOwner, NativeMemoryLeak> _note;

    /// <param name="owner">The owner.</param>
    /// <param name="leak">What to tell.</param>
    /// <param name="pressure">How many bytes the collector is told of while the rental lasts.</param>
    /// <param name="note">Told, on the thread of finalisers; throws nothing.</param>
    public LeakWitness(TOwner owner, NativeMemoryLeak leak, long pressure, Action<TOwner, NativeMemoryLeak> note)
    {
        (_owner, _leak, _pressure, _note) = (owner, leak, pressure, note);
        if (pressure > 0)
        {
            GC.AddMemoryPressure(pressure);
        }
    }

    ~LeakWitness() => _note(_owner, _leak);

    /// <summary>The rental has ended.</summary>
    public void Dispose()
    {
        GC.SuppressFinalize(this);
        if (_pressure > 0)
        {
            GC.RemoveMemoryPressure(_pressure);
        }
    }
}
