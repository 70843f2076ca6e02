using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>How a <see cref="DebugArrayPool{T}"/> behaves; fixed when it is made.</summary>
[DebuggerDisplay("{Name,nq}: quarantine {Quarantine}, stacks: {Stacks}")]
public sealed record DebugArrayPoolOptions
{
    /// <summary>The pool's name in messages.</summary>
    public string Name { get; init; } = "arrays";

    /// <summary>How many returned arrays rest, the oldest first, before the next may be rented again. More find a late use more surely, and
    /// keep more memory. 64 by default.</summary>
    public int Quarantine { get; init; } = 64;

    /// <summary>How many arrays of a length are kept for the next renters after they have rested. 8 by default; 0: each array is
    /// new.</summary>
    public int KeptEach { get; init; } = 8;

    /// <summary>Whether messages have the stacks of the calls that rented and returned an array. They cost microseconds a call. On unless
    /// set to false.</summary>
    public bool Stacks { get; init; } = true;

    /// <summary>Told of each mistake as it is found; the call goes on then, as if it had not been made. For arrays that were never returned
    /// that is on the thread of finalisers, where an exception is ignored. Null, the default: the call that finds the mistake throws an
    /// <see cref="ArrayMisuseException"/>.</summary>
    public Action<ArrayMisuse>? Found { get; init; }

    /// <summary>The clock for the times of rentals and returns.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
