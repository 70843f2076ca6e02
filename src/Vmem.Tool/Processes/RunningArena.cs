using Vmem.Tool.Reports;

namespace Vmem.Tool.Processes;

/// <summary>One arena of a running process, as a picture.</summary>
internal static class RunningArena
{
    /// <summary>For ten million segments and a busy machine.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(1);

    /// <summary>A process that has arenas says so in milliseconds, unless the machine is busy.</summary>
    private static readonly TimeSpan s_firstPatience = TimeSpan.FromSeconds(15);

    /// <exception cref="ProcessUnreachableException">The process cannot be asked, or has no such arena.</exception>
    /// <exception cref="IOException">Not all has come.</exception>
    public static ArenaPicture Read(int pid, string? title, CancellationToken cancellationToken)
    {
        Rundown all = Rundown.Of(pid, arena: null, s_firstPatience, cancellationToken);
        if (!all.IsComplete || all.Arenas.Count == 0)
        {
            throw new ProcessUnreachableException(pid, "it has no arenas");
        }

        ArenaFigures chosen = (title is null
                ? all.Arenas.MaxBy(static arena => arena.Segments)
                : all.Arenas.FirstOrDefault(arena => arena.Title == title))
            ?? throw new ProcessUnreachableException(pid, $"it has no arena '{title}', but {string.Join(", ", all.Arenas.Select(static arena => $"'{arena.Title}'"))}");
        Rundown rundown = Rundown.Of(pid, (chosen.Name, chosen.Instance), s_patience, cancellationToken);
        if (!rundown.IsComplete)
        {
            throw new IOException($"not all segments of arena '{chosen.Title}' have come from process {pid}: it has ended, or is too busy to send them");
        }

        return rundown.Segments.Count > 0 ? SegmentPicture.Draw(chosen, rundown.Segments)
            : throw new ProcessUnreachableException(pid, $"arena '{chosen.Title}' has no segments, or is single-threaded");
    }
}
