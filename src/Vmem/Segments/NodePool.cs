using System.Runtime.CompilerServices;
using Vmem.Checks;

namespace Vmem.Segments;

/// <summary>The storage of one kind of tree node. Nodes are numbered from 1; the first 4 bytes of an unused node after its count link it to
/// the next.</summary>
internal unsafe struct NodePool<TNode>
    where TNode : unmanaged
{
    private NativeStore<TNode> _store;
    private uint _unused;
    private uint _fresh;

    public readonly long Bytes => _store.BytesOf(_fresh);

    /// <summary>How many nodes can be taken before the pool must grow.</summary>
    public uint Available { get; private set; }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly TNode* At(uint index) => _store.At(index);

    public uint Take()
    {
        Invariant.Assert(Available > 0, "nodes are reserved before they are taken");
        Available--;
        uint index = _unused;
        if (index == 0)
        {
            return _fresh++;
        }

        _unused = LinkOf(index);
        return index;
    }

    public void Return(uint index)
    {
        Invariant.Assert(index != 0 && index < _fresh && index != _unused, "what is returned to the pool was taken from it");
        LinkOf(index) = _unused;
        _unused = index;
        Available++;
    }

    public void Grow()
    {
        uint before = _store.Capacity;
        _store.Grow();
        if (before == 0)
        {
            _fresh = 1;
            before = 1;
        }

        Available += _store.Capacity - before;
    }

    public void Release()
    {
        _store.Release();
        this = default;
    }

    private readonly ref uint LinkOf(uint index) => ref ((uint*)At(index))[1];
}
