namespace Vmem.Benchmarks.Subjects;

/// <summary>
/// What a study drives. Targets are structs and studies are generic over them: the JIT compiles each timing loop for each target, so
/// between the loop and the allocator lies no virtual call, no delegate and no boxing, only what can be inlined.
/// </summary>
/// <typeparam name="TTicket">What a caller keeps of a live range and gives back to free it: the address and size, or a handle. Its default
/// value is no range.</typeparam>
internal interface ITarget<TTicket> : IDisposable
    where TTicket : struct
{
    /// <summary>What the allocator says its tables take.</summary>
    long BookkeepingBytes { get; }

    static abstract bool IsLive(in TTicket ticket);

    bool TryAllocate(ulong size, out TTicket ticket);

    bool TryAllocateConstrained(ulong size, in RangeConstraints<ulong> constraints, out TTicket ticket);

    void Free(in TTicket ticket);
}

/// <summary>Makes a target over <c>[0, capacity)</c>.</summary>
internal delegate TTarget TargetFactory<out TTarget>(ulong capacity);

/// <summary>A piece of a study that runs on any target: the generic method is how a subject chosen at run time becomes a type known to the
/// JIT.</summary>
/// <typeparam name="TResult">What is measured.</typeparam>
internal interface IExperiment<out TResult>
{
    TResult Run<TTarget, TTicket>(TargetFactory<TTarget> make)
        where TTarget : struct, ITarget<TTicket>
        where TTicket : struct;
}
