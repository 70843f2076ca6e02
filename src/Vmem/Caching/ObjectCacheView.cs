using System.Diagnostics;

namespace Vmem;

/// <summary>An object cache of any type, as <see cref="VmemProcess.ObjectCaches"/> lists it. It keeps the cache alive.</summary>
[DebuggerDisplay("{ToString(),nq}")]
public abstract class ObjectCacheView
{
    private protected ObjectCacheView()
    {
    }

    /// <summary>The cache, an <see cref="ObjectCache{TObject}"/>.</summary>
    public abstract object Cache { get; }

    /// <summary>The cache's name.</summary>
    public abstract string Name { get; }

    /// <summary>1 for the first cache of a name that was looked at or measured, 2 for the next, and so on.</summary>
    public abstract int Instance { get; }

    /// <summary>The type of the objects.</summary>
    public abstract Type ObjectType { get; }

    /// <summary>What the cache holds and has done: see <see cref="ObjectCache{TObject}.GetStatistics"/>, which stops the threads that use
    /// it. O(threads).</summary>
    /// <returns>The figures.</returns>
    public abstract ObjectCacheStatistics GetStatistics();

    /// <summary>The cache in a line. No thread is stopped.</summary>
    /// <returns>Its name and type.</returns>
    public override string ToString() => $"{Name}: objects of {ObjectType.Name}";
}
