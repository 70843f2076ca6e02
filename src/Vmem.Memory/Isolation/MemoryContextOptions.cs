using System.Diagnostics;

namespace Vmem.Memory;

/// <summary>How a <see cref="MemoryContext"/> deals out its block.</summary>
[DebuggerDisplay("{Name,nq}: {Features}, blocks of {BlockSize}")]
public sealed record MemoryContextOptions
{
    /// <summary>The context's name in lists and metrics; need not be unique. "context" unless set.</summary>
    public string Name { get; init; } = "context";

    /// <summary>What the context does beyond handing out memory. <see cref="MemoryContextFeatures.ZeroOnHandOver"/> by default.</summary>
    public MemoryContextFeatures Features { get; init; } = MemoryContextFeatures.ZeroOnHandOver;

    /// <summary>Every block starts at a multiple of this many bytes and is at least as long: a power of two from 8 to
    /// 2^25. 16 by default, as malloc.</summary>
    public nuint Alignment { get; init; } = 16;

    /// <summary>
    /// What clients get from the context, and give back, is a multiple of this many bytes: a power of two, at least 64 times
    /// <see cref="Alignment"/> and at most 2^31. 0, the default: 64 KiB, or 64 times the alignment where that is more. Less suits many
    /// small clients.
    /// </summary>
    public nuint BlockSize { get; init; }

    /// <summary>
    /// How large a context with a block of its own may become: where a client finds no room, it grows to twice its size, or by as much as
    /// there is, before the client is refused. So much address space is reserved from the beginning, and an eighth to a sixteenth of it for
    /// tables, neither of which takes memory before it is used. 0, the default: it does not grow. The <see cref="BlockSize"/> must be whole
    /// pages.
    /// </summary>
    public nuint MaxSize { get; init; }

    /// <summary>The clock for the records of an audit; by default the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    /// <summary>Told of each call through a client's <see cref="MemoryClient.Functions"/> that was refused, as a free of what is no block:
    /// on the thread that called. What it throws is ignored.</summary>
    public Action<Exception>? CallbackRefused { get; init; }
}
