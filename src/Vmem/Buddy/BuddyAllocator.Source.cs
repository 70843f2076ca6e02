using Vmem.Lending;

namespace Vmem;

// A source of spans for arenas, each of which gets whole blocks.
public sealed partial class BuddyAllocator<T> : ILoanSource
{
    /// <summary>What every block's start and size is a multiple of: <see cref="MinBlock"/>, or less if <see cref="Start"/> is no multiple
    /// of that.</summary>
    T IArenaSource<T>.Quantum => T.IsZero(Start) ? MinBlock : T.Min(MinBlock, Start & (T.Zero - Start));

    /// <summary>Allocates a block. Constraints are not honoured: an arena then asks for more without them.</summary>
    bool IArenaSource<T>.TryImport(T size, in RangeConstraints<T> constraints, out T start, out T imported)
    {
        start = imported = T.Zero;
        if (constraints != default || !TryAllocate(size, out start))
        {
            return false;
        }

        imported = AmountOf(1L << OrderFor(size));
        return true;
    }

    /// <inheritdoc/>
    Borrowers ILoanSource.Borrowers
    {
        get
        {
            if (Volatile.Read(ref _borrowers) is null)
            {
                _ = Interlocked.CompareExchange(ref _borrowers, new Borrowers(this, below: null, _shared), null);
            }

            return _borrowers!;
        }
    }

    /// <summary>Frees a block.</summary>
    /// <exception cref="InvalidFreeException">No allocated block of this size starts there; nothing was changed.</exception>
    void IArenaSource<T>.Release(T start, T size)
    {
        T whole = GetBlockSize(start);
        if (whole != size)
        {
            throw Invalid(InvalidFreeReason.WrongSize, start, "take back the block", $"The block there has size {whole}, not {size}.", size);
        }

        Free(start);
    }
}
