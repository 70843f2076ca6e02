using System.Runtime.InteropServices;

namespace Vmem.Benchmarks.Peers;

/// <summary>
/// A native range allocator, in a library that exports the functions of docs/benchmarks.md. The timed ones are called without the
/// transition that tells the garbage collector that the thread is in native code; <see cref="Nothing"/> shows what such a call costs.
/// </summary>
internal sealed unsafe class RangePeer
{
    private const string Prefix = "vmem_peer_";

    private readonly delegate* unmanaged[Cdecl]<ulong, ulong, int, void*> _create;

    private RangePeer(string path, Func<string, nint?> find)
    {
        Path = path;
        Name = Text("name");
        Version = Text("version");
        _create = (delegate* unmanaged[Cdecl]<ulong, ulong, int, void*>)Require("create");
        Destroy = (delegate* unmanaged[Cdecl]<void*, void>)Require("destroy");
        Nothing = (delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, void>)Require("nothing");
        Allocate = (delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, ulong, ulong*, ulong>)Require("allocate");
        AllocateConstrained = (delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, ulong, ulong, ulong, ulong, ulong*, ulong>)
            (find(Prefix + "allocate_constrained") ?? 0);
        FreeRange = (delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, ulong, ulong, void>)(find(Prefix + "free_range") ?? 0);
        Free = (delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, ulong, void>)(FreeRange is null ? Require("free") : 0);

        string Text(string function)
            => Marshal.PtrToStringUTF8((nint)((delegate* unmanaged[Cdecl]<byte*>)Require(function))()) ?? "unknown";

        nint Require(string function) => find(Prefix + function)
            ?? throw new InvalidOperationException($"{path} does not export {Prefix}{function}; docs/benchmarks.md has the functions that a peer exports.");
    }

    public string Path { get; }

    public string Name { get; }

    public string Version { get; }

    /// <summary>Whether its caller frees by start and size; otherwise by a ticket of 64 bits.</summary>
    public bool IsByAddress => FreeRange is not null;

    public bool IsConstrained => AllocateConstrained is not null;

    public delegate* unmanaged[Cdecl]<void*, void> Destroy { get; }

    public delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, void> Nothing { get; }

    public delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, ulong, ulong*, ulong> Allocate { get; }

    public delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, ulong, ulong, ulong, ulong, ulong*, ulong> AllocateConstrained { get; }

    public delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, ulong, void> Free { get; }

    public delegate* unmanaged[Cdecl, SuppressGCTransition]<void*, ulong, ulong, void> FreeRange { get; }

    /// <exception cref="InvalidOperationException">The library cannot be loaded or lacks a function.</exception>
    public static RangePeer Load(string path)
    {
        string full = System.IO.Path.GetFullPath(path);
        try
        {
            nint library = NativeLibrary.Load(full);
            return new RangePeer(full, function => NativeLibrary.TryGetExport(library, function, out nint address) ? address : null);
        }
        catch (Exception refused) when (refused is DllNotFoundException or BadImageFormatException)
        {
            throw new InvalidOperationException($"{full} cannot be loaded as a native library: {refused.Message}", refused);
        }
    }

    /// <summary>An allocator over <c>[0, size)</c>.</summary>
    public void* Create(ulong size, PeerPolicy policy)
    {
        void* instance = _create(size, 1, (int)policy);
        return instance is not null ? instance : throw new InvalidOperationException($"{Name} made no allocator of {size} units with {policy}.");
    }

    public bool Knows(PeerPolicy policy)
    {
        void* instance = _create(1 << 20, 1, (int)policy);
        if (instance is null)
        {
            return false;
        }

        Destroy(instance);
        return true;
    }
}

/// <summary>The numbers that <c>vmem_peer_create</c> understands.</summary>
internal enum PeerPolicy
{
    /// <summary>Its own way, as fast as it can.</summary>
    Instant = 0,

    /// <summary>The smallest free segment that fits.</summary>
    Best = 1,
}
