using Vmem.Caching;
using Vmem.Memory.Window;

namespace Vmem.Memory.Heap;

/// <summary>A heap without a public face and without debugging: which part of it a block comes from, and what goes back when.</summary>
/// <remarks>
/// <para>
/// A request is met by the <see cref="StarterArena"/> as long as its class may take blocks there, else by <see cref="SmallBlocks"/> or
/// <see cref="LargeBlocks"/>. If there is no room, all reserves are given up, and it is tried once more; if there is no
/// memory, the reserves of all heaps. All parts lie in one
/// <see cref="HeapSpace"/>, whose map tells for an address which part its block is of.
/// </para>
/// <para>
/// Under a debugger it has neither magazines nor a starter arena: a block that was freed then goes back to its slab, or stays in
/// quarantine.
/// </para>
/// </remarks>
internal sealed partial class PlainHeap : IHeapLayer, IDisposable
{
    // How often a refusal by the budget is tried again while others still keep memory. Arbitrary.
    private const int MostReliefs = 8;

    private readonly NativeHeapOptions _options;
    private readonly HeapSpace _space;
    private readonly SmallBlocks _small;
    private readonly LargeBlocks _large;
    private readonly PageRuns? _runs;
    private readonly StarterArena? _starter;
    private readonly Upkeep _upkeep;
    private readonly nuint _retained;             // the most bytes of free pages that keep their memory
    private volatile bool _ended;

    /// <param name="window">Where its memory comes from.</param>
    /// <param name="options">The heap's.</param>
    /// <param name="isDebugged">Whether a debugger stands between it and its users.</param>
    /// <param name="rate">How often a sample is due of a heap that is sampled; null: never.</param>
    public PlainHeap(AddressWindow window, NativeHeapOptions options, bool isDebugged, SampleRate? rate = null)
    {
        _options = options is { CallbackRefused: null, Debugging: null or { Leaked: null, Damaged: null } }
            ? options
            : options with { CallbackRefused = null, Debugging = null };      // it is kept longer than its heap, and must not lead to it
        nuint runs = nuint.Min(PageRuns.Most, options.RetainedBytes / 8);      // a part of what is kept, if that is bounded
        _retained = options.RetainedBytes == nuint.MaxValue ? nuint.MaxValue : options.RetainedBytes - runs;
        _space = new HeapSpace(window, options.Name, options.Limit, options.HugePages, isSealed: isDebugged || rate is not null);
        try
        {
            bool hasRuns = !isDebugged && RunClasses.HasWholePages;
            _large = new LargeBlocks(_space, hasRuns);
            _starter = isDebugged ? null : new StarterArena(_space);
            SlabShare? share = _starter is null || options.Limit == 0 ? null : new SlabShare(_space, _large, _starter);
            _small = new SmallBlocks(_space, hasMagazines: !isDebugged, trustsCaller: options.TrustCaller && !isDebugged, rate, share);
            _runs = hasRuns ? new PageRuns(_space, _large, _small.Magazines, nuint.Min(runs, _space.Size / 16)) : null;
            _upkeep = Upkeep.Start(this, options.TimeProvider, ownInterval: options.RetainedInterval);
        }
        catch
        {
            _space.Dispose();
            throw;
        }
    }

    public string Name => _options.Name;

    public HeapSpace Space => _space;

    /// <summary>For the fast paths of the heap's face.</summary>
    public MagazineTable Magazines => _small.Magazines;

    /// <summary>True if the address is one of the heap's, whatever lies there.</summary>
    public bool Reserves(nuint address) => _space.Reserves(address);

    public nuint Take(nuint size, nuint alignment, bool clear, out bool isZero)
    {
        isZero = false;
        size = Math.Max(size, 1);
        if (size > _space.Size || alignment > _space.Size)
        {
            return 0;                             // no trim would help
        }

        int sizeClass = ClassFor(size, alignment);
        return sizeClass != 0 && _starter is not null && _starter.TryTake(sizeClass, alignment, out nuint block)
            ? block
            : TakeOrTrim(sizeClass, size, alignment, clear, out isZero);
    }

    /// <summary>Pages, however few they are; 0 if there are none.</summary>
    /// <param name="size">In bytes.</param>
    /// <param name="mayTrim">Whether reserves are given up for them.</param>
    /// <param name="isZero">True if all of them are zero.</param>
    public nuint TakePages(nuint size, bool mayTrim, out bool isZero) => mayTrim
        ? TakeOrTrim(sizeClass: 0, size, alignment: 1, clear: false, out isZero)
        : _large.Take(size, alignment: 1, clear: false, out isZero);

    /// <summary>True if the thread's magazine for such a request was at the end of its stretch. Another has begun.</summary>
    /// <param name="size">In bytes.</param>
    /// <param name="alignment">A power of two.</param>
    /// <param name="counts">True if there is such a magazine, and it counts the request.</param>
    public bool TryEndStretch(nuint size, nuint alignment, out bool counts)
    {
        counts = false;
        return ClassFor(Math.Max(size, 1), alignment) is var sizeClass and not 0 && _small.TryEndStretch(sizeClass, out counts);
    }

    public void Free(nuint block, nuint? size)
    {
        if (TryFreeRun(block, size ?? 0))
        {
            return;
        }

        nuint held = SizeOf(block, "free");
        if (size > held)
        {
            throw new InvalidFreeException(InvalidFreeReason.WrongSize, block, size.Value,
                $"Heap '{Name}' cannot free {size} bytes at 0x{block:x}: the block there has {held}. Nothing was changed.");
        }

        int sizeClass = _space.ClassAt(block);
        if (SizeClasses.Contains(sizeClass))
        {
            if (!_small.TryGive(block, sizeClass))
            {
                throw NoBlock(block, isHeld: false, "free");      // another thread has freed it meanwhile
            }
        }
        else if (sizeClass == StarterArena.SizeClass)
        {
            if (!_starter!.TryFree(block))
            {
                throw NoBlock(block, isHeld: false, "free");
            }
        }
        else if (_large.TryFree(block, held))
        {
            KeepWithinBounds();
        }
        else
        {
            throw NoBlock(block, isHeld: false, "free");
        }
    }

    public nuint SizeOf(nuint block) => SizeOf(block, "measure");

    /// <summary>A small block was found in a magazine that is with a user.</summary>
    public void NoteTwice(nuint block) => _small.NoteTwice(block);

    /// <summary>The size of the block that starts at an address; 0 if none does.</summary>
    /// <param name="address">The address.</param>
    /// <param name="isHeld">True if the address lies in a block.</param>
    public nuint SizeAt(nuint address, out bool isHeld)
    {
        int sizeClass = _space.ClassAt(address);
        if (SizeClasses.Contains(sizeClass))
        {
            bool isLive = _small.IsLive(address, sizeClass);
            isHeld = isLive || _small.IsInLive(address, sizeClass);
            return isLive ? (nuint)SizeClasses.SizeOf(sizeClass) : 0;
        }

        if (_space.RunAt(address) - 1 is var run and >= 0 and < RunClasses.Count)
        {
            isHeld = true;
            return RunClasses.SizeOf(run);
        }

        if (sizeClass == StarterArena.SizeClass)
        {
            isHeld = _starter!.TryFind(address, out nuint start, out nuint size);
            return isHeld && start == address ? size : 0;
        }

        isHeld = TryFindLarge(address, out Segment<nuint> found);
        return isHeld && found.Start == address ? found.Size : 0;
    }

    public bool Owns(nuint address) =>
        !_ended && (_space.ClassAt(address) != 0 || TryFindLarge(address, out _));

    public bool TryResize(nuint block, nuint size, nuint alignment, out nuint old, out bool canStay)
    {
        old = SizeOf(block);
        bool isAligned = (block & (alignment - 1)) == 0;
        bool isLarge = old > SizeClasses.Largest && size > SizeClasses.Largest;
        canStay = isAligned && size <= old;
        if (isAligned && isLarge && _large.TryResize(block, old, size))
        {
            ReplaceIfGrown(isRun: false);
            KeepWithinBounds();                   // if it became shorter
            return true;
        }

        return canStay && (isLarge || size >= old / 2 || old == (nuint)SizeClasses.SizeOf(1));
    }

    /// <remarks>The pages that the block leaves have no memory: whatever may be kept, these may.</remarks>
    public bool TryMove(nuint block, nuint moved, nuint size) => _large.TryMove(block, moved, size);

    public Action? End(bool reports)
    {
        Dispose();
        return null;
    }

    /// <summary>Gives everything back; without a debugger the memory stays for the next heap.</summary>
    public void Dispose()
    {
        _starter?.Dispose();
        _small.Dispose();
        _space.Dispose();
    }

    /// <summary>The class of small blocks that serves a request; 0 if none does.</summary>
    private static int ClassFor(nuint size, nuint alignment) =>
        size > SizeClasses.Largest ? 0
        : alignment <= 8 ? SizeClasses.Of(size)
        : alignment <= HeapSpace.PageSize ? SizeClasses.Aligned(size, alignment) : 0;

    private nuint TakeOrTrim(int sizeClass, nuint size, nuint alignment, bool clear, out bool isZero)
    {
        int refusals = _space.Refusals;
        nuint block = TakeOnce(sizeClass, size, alignment, clear, out isZero);
        if (block == 0)
        {
            // Also if this finds nothing: another thread may have been giving back meanwhile.
            _ = GiveBack(idleOnly: false, discard: false);
            block = TakeOnce(sizeClass, size, alignment, clear, out isZero);
        }

        // There is room for it, but no memory: others may keep some that they do not use. They go on meanwhile, and may keep more.
        for (int i = 0; block == 0 && refusals != _space.Refusals && i < MostReliefs && (i == 0 || _space.Budget.Dirty > 0); i++)
        {
            _space.Budget.Relieve();
            block = TakeOnce(sizeClass, size, alignment, clear, out isZero);
        }

        if (block == 0)
        {
            _space.ReleaseEmpty();                // what was taken for it in vain
        }
        else
        {
            ReplaceIfGrown(isRun: sizeClass == 0 && RunClasses.Contains(size));
        }

        return block;
    }

    private nuint TakeOnce(int sizeClass, nuint size, nuint alignment, bool clear, out bool isZero)
    {
        isZero = false;
        return sizeClass != 0
            ? _small.Take(sizeClass) is var small and not 0 ? small
            : _starter is not null && _starter.TryTakeBeyond(sizeClass, alignment, out nuint other) ? other : 0
            : _runs is not null && RunClasses.Contains(size) && alignment <= HeapSpace.PageSize &&
                _runs.Take(size, clear, out isZero) is var run and not 0 ? run
            : _large.Take(size, alignment, clear, out isZero);
    }

    private nuint SizeOf(nuint block, string verb)
    {
        ThrowIfEnded();
        return SizeAt(block, out bool isHeld) is var size and not 0 ? size : throw NoBlock(block, isHeld, verb);
    }

    private InvalidFreeException NoBlock(nuint address, bool isHeld, string verb)
    {
        (InvalidFreeReason reason, string why) =
            isHeld ? (InvalidFreeReason.InteriorAddress, "it lies inside a block") :
            Reserves(address) ? (InvalidFreeReason.AlreadyFree, "no block starts there") :
            _space.OtherOwnerOf(address) is { } owner ? (InvalidFreeReason.OtherOwner, $"it is an address of heap '{owner}'") :
            (InvalidFreeReason.NotAllocated, "it is none of this heap's addresses");
        return new InvalidFreeException(reason, address, 0, $"Heap '{Name}' cannot {verb} 0x{address:x}: {why}. Nothing was changed.");
    }

    private void ThrowIfEnded() => ObjectDisposedException.ThrowIf(_ended, typeof(NativeHeap));
}
