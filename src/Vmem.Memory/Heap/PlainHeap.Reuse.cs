using Vmem.Caching;
using Vmem.Checks;
using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

// One heap after the other with the same tables: see SpareHeaps.
internal sealed partial class PlainHeap
{
    /// <summary>What more holds is disposed of: to give so many pages back by themselves takes longer than to make the tables anew. Some
    /// ten slabs: arbitrary.</summary>
    private const nuint MostReset = 1 << 20;

    /// <summary>Whether it may be used for a heap of this window with these options: its own say the same in all that it knows of
    /// them.</summary>
    public bool Suits(AddressWindow window, NativeHeapOptions options) => _space.IsOf(window) && (ReferenceEquals(_options, options)
        || (_options.Name == options.Name && _options.Limit == options.Limit && _options.HugePages == options.HugePages
            && _options.TrustCaller == options.TrustCaller && _options.RetainedBytes == options.RetainedBytes
            && _options.RetainedInterval == options.RetainedInterval && _options.TimeProvider == options.TimeProvider));

    /// <summary>Gives all blocks and all address space up, so that it is as new. It has ended and no call is under way.</summary>
    /// <returns>False if it must be disposed of: it holds much, or has a timer of its own.</returns>
    public bool TryReset()
    {
        _ended = true;
        using Gate.Scope returning = _returning.EnterScope();
        if (_starter is null || _options.TimeProvider != TimeProvider.System || _options.RetainedInterval != Upkeep.Interval
            || _space.HeldBytes > MostReset)
        {
            return false;
        }

        _runs?.Reset();
        if (_large.Count != 0)
        {
            return false;
        }

        _large.Reset();
        _small.Reset();
        _starter.Reset();
        _space.ReleaseEmpty();
        _looked = 0;
        return _space.IsEmpty;
    }

    /// <summary>Another heap begins.</summary>
    public void Restart()
    {
        _space.Restart();
        _ended = false;
        _upkeep.Wake();
    }
}
