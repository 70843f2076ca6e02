#if !NET10_0_OR_GREATER
namespace System.Runtime.InteropServices;

/// <summary>The weak handle of .NET 10, for .NET 9: the one thing that the libraries take from .NET 10.</summary>
internal struct WeakGCHandle<T>(T target) : IDisposable
    where T : class
{
    private GCHandle _handle = GCHandle.Alloc(target, GCHandleType.Weak);

    public readonly bool TryGetTarget([Diagnostics.CodeAnalysis.NotNullWhen(true)] out T? target)
    {
        target = (T?)_handle.Target;
        return target is not null;
    }

    public void Dispose()
    {
        if (_handle.IsAllocated)
        {
            _handle.Free();
        }
    }
}
#endif
