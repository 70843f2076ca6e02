using Vmem.Tool.Traces;

namespace Vmem.Tool.Commands;

/// <summary>A folder on the command line: all recordings in it, by name. What its files are is told by their contents; pipes and
/// devices are passed over, as they may never say anything.</summary>
internal static class RecordingFolder
{
    /// <summary>The paths, each folder replaced by its recordings.</summary>
    /// <exception cref="MalformedTraceException">A folder has none, or cannot be read.</exception>
    public static IReadOnlyList<string> Expand(IReadOnlyList<string> paths) =>
        [.. paths.SelectMany(path => Directory.Exists(path) ? RecordingsIn(path) : [path])];

    private static List<string> RecordingsIn(string folder)
    {
        try
        {
            List<string> found =
            [
                .. Directory.EnumerateFiles(folder).Where(TraceInput.IsFile).Order(StringComparer.Ordinal).Where(IsRecording),
            ];
            return found.Count > 0 ? found : throw new MalformedTraceException(folder, "is a folder without a recording in it");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw new MalformedTraceException(folder, $"cannot be read ({fault.Message.TrimEnd('.')})");
        }
    }

    /// <summary>A recording that turns out to be damaged is one all the same: that is to be said, not passed over. Only its first line must
    /// be right.</summary>
    private static bool IsRecording(string path)
    {
        try
        {
            using TraceInput input = TraceInput.Open(path, static () => Stream.Null);
            using var reader = new TraceReader(input);
            try
            {
                _ = reader.ReadQuantum();
            }
            catch (MalformedTraceException fault)
            {
                return reader.IsRecognised && fault.Line > 1;
            }

            return reader.IsRecognised;
        }
        catch (MalformedTraceException)
        {
            return false;
        }
    }
}
