using System.Numerics;

namespace Vmem.Space;

/// <summary>What an arena has of its source: how often it imported and released, and which of its imports are wholly free.</summary>
/// <remarks>
/// Wholly free imports are kept up to <see cref="ArenaOptions{T}.RetainedImport"/>. An arena whose use swings about a span's boundary
/// would otherwise import and release at every swing, as all known implementations do. Under the arena's lock.
/// </remarks>
internal sealed class ImportLedger<T>(T retained)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    public long Imports { get; private set; }

    public long Releases { get; private set; }

    /// <summary>The total size of the wholly free imports.</summary>
    public T Empty { get; private set; }

    /// <summary>How many there are.</summary>
    public long EmptySpans { get; private set; }

    /// <summary>Whether more is kept than was asked for: it was kept because somebody waited.</summary>
    public bool HasSurplus => T.IsZero(retained) ? EmptySpans > 1 : Empty > retained;

    /// <summary>Whether a span of this size may be kept beside those that are.</summary>
    public bool Keeps(T size) => T.IsZero(retained) ? EmptySpans == 0 : size <= retained && Empty <= retained - size;

    /// <summary>A span came from the source, wholly free.</summary>
    public void NoteImport(T size)
    {
        Imports++;
        NoteEmpty(size);
    }

    /// <summary>A span has become wholly free, and is kept.</summary>
    public void NoteEmpty(T size)
    {
        Empty += size;
        EmptySpans++;
    }

    /// <summary>A wholly free span is about to be used.</summary>
    public void NoteUsed(T size)
    {
        Empty -= size;
        EmptySpans--;
    }

    /// <summary>A span that was not kept goes back to the source.</summary>
    public void NoteRelease() => Releases++;
}
