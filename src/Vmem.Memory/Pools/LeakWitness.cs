namespace Vmem.Memory.Pools;

/// <summary>Goes with a tracked owner for one rental, and tells if both are lost.</summary>
/// <remarks>
/// Nothing but the owner refers to it, and to the owner whoever rented it, every <see cref="Memory{T}"/> of it and every pin: so it is
/// finalised when none of these is left. The finaliser frees nothing: a span or a pointer keeps nothing alive and may be in use yet.
/// Rejected: a finaliser of the owner itself, which would make two kinds of owners.
/// </remarks>
internal sealed class LeakWitness(NativeMemoryLeak leak, Action<NativeMemoryLeak> tell) : IDisposable
{
    ~LeakWitness() => tell(leak);

    /// <summary>The rental has ended well.</summary>
    public void Dispose() => GC.SuppressFinalize(this);
}
