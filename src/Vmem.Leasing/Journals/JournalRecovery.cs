using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vmem.Leasing.Journals;

/// <summary>What the two files of a journal say is live.</summary>
/// <param name="Live">The ranges, in order of address.</param>
/// <param name="Generation">That of the newest file; 0: there is none.</param>
/// <param name="Place">Which of the two says so: it must not be overwritten.</param>
internal sealed record JournalRecovery<T>(List<(T Start, T Size)> Live, ulong Generation, int Place)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    /// <summary>Reads them. The newest file counts whose snapshot is whole; of what follows the snapshot, all up to the first record that
    /// is not. That one was torn by a power failure, or never written.</summary>
    /// <param name="paths">The two.</param>
    /// <param name="arena">The sum of the arena's name and kind.</param>
    /// <exception cref="LeaseJournalException">It is no journal, of another arena or version, damaged where it had been flushed, or used by
    /// another process.</exception>
    public static JournalRecovery<T> Read(IReadOnlyList<string> paths, ulong arena)
    {
        List<(JournalFile<T> File, int Place)> files = [];
        try
        {
            for (int i = 0; i < paths.Count; i++)
            {
                if (JournalFile<T>.Open(paths[i]) is { } file)
                {
                    files.Add((file, i));
                }
            }

            ulong newest = files.Select(static file => file.File.Generation).DefaultIfEmpty().Max();
            foreach ((JournalFile<T> file, int place) in files.OrderByDescending(static file => file.File.Generation))
            {
                if (file.IsWhole(paths[place], arena) && TryRead(file, paths[place]) is { } live)
                {
                    return new JournalRecovery<T>(live, newest, place);
                }
            }

            return newest == 0 ? new JournalRecovery<T>([], 0, 1) : throw new LeaseJournalException(
                $"{string.Join(" and ", files.Select(file => paths[file.Place]))} are damaged, and say of no range whether it is in use. Find out by other means what is, delete them, and restore that: or give up the name with \"vmem lease release --force\".");
        }
        catch (IOException fault)
        {
            throw new LeaseJournalException($"The journal {paths[0]} cannot be opened: {fault.Message} Another process or another arena of this one has it: end that, or use another path.", fault);
        }
        finally
        {
            files.ForEach(static file => file.File.Dispose());
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static List<(T Start, T Size)>? TryRead(JournalFile<T> file, string path)
    {
        ulong generation = file.Generation;
        Dictionary<T, (T Size, long Place)> live = new((int)Math.Min(file.Snapshot, file.Capacity));
        long place = 0;
        for (; file.TryRead(generation, place, out T start, out T size, out bool isFree); place++)
        {
            // A free of what is not live was refused, after it had been noted.
            if (!isFree)
            {
                live[start] = (size, place);
            }
            else if (live.TryGetValue(start, out (T Size, long Place) known) && known.Size == size)
            {
                live.Remove(start);
            }
        }

        if (place < file.Flushed)
        {
            throw new LeaseJournalException($"{path} is damaged: record {place} cannot be read, and all up to {file.Flushed} had been flushed. The disk has lost something. Find out by other means which ranges are in use.");
        }

        if (place < file.Snapshot)
        {
            return null;
        }

        return Disjoint(live);
    }

    /// <summary>Of ranges that overlap the newest is live: what lay there before went with its lease, and was not freed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static List<(T Start, T Size)> Disjoint(Dictionary<T, (T Size, long Place)> live)
    {
        (T Start, T Size, long Place)[] sorted = [.. live.Select(static range => (range.Key, range.Value.Size, range.Value.Place))];
        Array.Sort(sorted, static (one, other) => one.Start.CompareTo(other.Start));
        List<(T Start, T Size, long Place)> kept = new(sorted.Length);
        foreach ((T Start, T Size, long Place) range in sorted)
        {
            while (kept.Count > 0 && range.Start - kept[^1].Start < kept[^1].Size && kept[^1].Place < range.Place)
            {
                kept.RemoveAt(kept.Count - 1);
            }

            if (kept.Count == 0 || range.Start - kept[^1].Start >= kept[^1].Size)
            {
                kept.Add(range);
            }
        }

        return kept.ConvertAll(static range => (range.Start, range.Size));
    }
}
