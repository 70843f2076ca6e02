using System.Diagnostics;
using Microsoft.Extensions.ObjectPool;

namespace Vmem.Extensions.ObjectPool;

/// <summary>An <see cref="ObjectPool{T}"/> over an <see cref="ObjectCache{TObject}"/>.</summary>
/// <remarks>
/// <para>
/// The policy constructs, and says of each object that comes back whether it is fit to be used again; <see cref="IResettable"/> is asked by
/// the default policy. An object that the policy refuses, or fails at, is destructed at once. Objects that are
/// <see cref="IDisposable"/> are disposed when they are destructed.
/// </para>
/// <para>
/// A pool of <see cref="DefaultObjectPoolProvider"/> keeps a fixed number of objects for ever, and drops the rest to the garbage collector.
/// This one has no such number: it keeps what is needed, and lets go of what two intervals of 15 s have not needed.
/// </para>
/// </remarks>
/// <typeparam name="T">What is pooled.</typeparam>
[DebuggerDisplay("{Cache}")]
public sealed class ObjectCachePool<T> : ObjectPool<T>, IDisposable
    where T : class
{
    private readonly IPooledObjectPolicy<T> _policy;

    /// <summary>Makes an empty pool.</summary>
    /// <param name="policy">Makes objects, and says which of those that come back can be used again.</param>
    /// <param name="options">How the cache behaves; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option makes no sense.</exception>
    public ObjectCachePool(IPooledObjectPolicy<T> policy, ObjectCacheOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(policy);
        _policy = policy;
        Cache = new ObjectCache<T>(typeof(T).Name, policy.Create, static item => (item as IDisposable)?.Dispose(), options: options);
    }

    /// <summary>The cache behind the pool, for its statistics and <see cref="ObjectCache{TObject}.Reap"/>.</summary>
    public ObjectCache<T> Cache { get; }

    /// <summary>Takes an object out of the pool, or has the policy make one.</summary>
    /// <returns>An object that is the caller's until he returns it.</returns>
    /// <exception cref="ObjectDisposedException">The pool has been disposed.</exception>
    /// <remarks>O(1), besides the policy.</remarks>
    public override T Get() => Cache.Rent();

    /// <summary>Gives an object back; destructs it if the policy refuses it.</summary>
    /// <param name="obj">The object.</param>
    /// <exception cref="ArgumentNullException">There is no object.</exception>
    /// <exception cref="InvalidReturnException">It lies in the pool already; see <see cref="ObjectCache{TObject}.Return"/> for when that is
    /// found. Nothing was changed, but what the policy did to it.</exception>
    /// <remarks>O(1), besides the policy. What the policy throws comes through. After <see cref="Dispose"/> the object is
    /// destructed.</remarks>
    public override void Return(T obj)
    {
        ArgumentNullException.ThrowIfNull(obj);
        if (IsFit(obj))
        {
            Cache.Return(obj);
        }
        else
        {
            Cache.Discard(obj);
        }
    }

    /// <summary>Destructs everything in the pool. What is still out is destructed when it is returned.</summary>
    public void Dispose() => Cache.Dispose();

    private bool IsFit(T obj)
    {
        bool judged = false;
        try
        {
            bool fit = _policy.Return(obj);
            judged = true;
            return fit;
        }
        finally
        {
            if (!judged)
            {
                Cache.Discard(obj);
            }
        }
    }
}
