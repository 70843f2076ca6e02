using System.Numerics;

namespace Vmem.Leasing.Journals;

/// <summary>What the two files of a journal say is live.</summary>
/// <param name="Live">The ranges, in order of address, as notes of their allocations.</param>
/// <param name="Generation">That of the newest file; 0: there is none.</param>
/// <param name="Place">Which of the two says so: it must not be overwritten.</param>
internal sealed record JournalRecovery<T>(NoteBuffer<T> Live, ulong Generation, int Place) : IDisposable
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    public void Dispose() => Live.Dispose();

    /// <summary>Reads them. The newest file counts whose snapshot is whole; of what follows the snapshot, all up to the first record that
    /// is not. That one was torn by a power failure, or never written.</summary>
    /// <param name="paths">The two.</param>
    /// <param name="arena">The sum of the arena's name and kind.</param>
    /// <exception cref="LeaseJournalException">It is no journal, of another arena or version, damaged where it had been flushed, or used by
    /// another process.</exception>
    public static JournalRecovery<T> Read(IReadOnlyList<string> paths, ulong arena)
    {
        List<(JournalReader<T> File, int Place)> files = [];
        try
        {
            for (int i = 0; i < paths.Count; i++)
            {
                if (JournalReader<T>.Open(paths[i]) is { } file)
                {
                    files.Add((file, i));
                }
            }

            ulong newest = files.Select(static file => file.File.Generation).DefaultIfEmpty().Max();
            foreach ((JournalReader<T> file, int place) in files.OrderByDescending(static file => file.File.Generation))
            {
                if (file.IsWhole(paths[place], arena) && TryRead(file, paths[place]) is { } live)
                {
                    return new JournalRecovery<T>(live, newest, place);
                }
            }

            return newest == 0 ? new JournalRecovery<T>(new(), 0, 1) : throw new LeaseJournalException(
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

    private static NoteBuffer<T>? TryRead(JournalReader<T> file, string path)
    {
        using NoteBuffer<T> notes = new();
        file.ReadAll(notes);
        if (notes.Count < file.Flushed)
        {
            throw new LeaseJournalException($"{path} is damaged: record {notes.Count} cannot be read, and all up to {file.Flushed} had been flushed. The disk has lost something. Find out by other means which ranges are in use.");
        }

        return notes.Count < file.Snapshot ? null : JournalReplay<T>.Live(notes.Notes, (int)file.Snapshot);
    }
}
