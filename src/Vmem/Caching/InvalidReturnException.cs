namespace Vmem;

/// <summary>What was wrong with a return.</summary>
public enum InvalidReturnReason
{
    /// <summary>The object is in the cache already.</summary>
    AlreadyReturned,

    /// <summary>The object was never rented from this cache, or the cache has let it go.</summary>
    Foreign,
}

/// <summary>A return that cannot be right: the object lies in a magazine of the thread that returns it, or an audit
/// (<see cref="ObjectCacheOptions.Audit"/>) has found it. Nothing was changed.</summary>
public sealed class InvalidReturnException : InvalidOperationException
{
    internal InvalidReturnException(InvalidReturnReason reason, string message)
        : base(message)
    {
        Reason = reason;
    }

    /// <summary>What was wrong.</summary>
    public InvalidReturnReason Reason { get; }
}
