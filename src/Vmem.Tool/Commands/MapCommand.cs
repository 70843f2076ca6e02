using System.CommandLine;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Commands;

/// <summary><c>vmem map SNAPSHOT.json</c>: the picture of one arena.</summary>
internal static class MapCommand
{
    private const string StandardInput = "-";

    public static Command Create(ToolConsole console)
    {
        var snapshot = new Argument<string>("SNAPSHOT")
        {
            Description = "A snapshot: what Arena.Snapshot().ToJson() or \"vmem replay --snapshot\" wrote; \"-\" is standard input.",
        };
        var svg = new Option<string?>("--svg", "-o")
        {
            Description = "Where the picture goes. [default: standard output]",
            HelpName = "FILE.svg",
        };
        var command = new Command("map", "Draws an arena from its snapshot, as SVG: its spans, what is allocated and what is free.") { snapshot, svg };
        command.SetAction((parsed, cancellationToken) => ToolCommand.RunAsync(
            console, () => Execute(console, parsed.GetValue(snapshot)!, parsed.GetValue(svg)), cancellationToken));
        return command;
    }

    private static void Execute(ToolConsole console, string snapshot, string? svg)
    {
        if (snapshot.Length == 0 || svg?.Length == 0)
        {
            throw new UsageException("an empty name is no file's");
        }

        if (svg is not null && Path.GetFullPath(svg) == Path.GetFullPath(snapshot))
        {
            throw new UsageException($"{snapshot} is to be read and to be written");
        }

        ArenaPicture arena = Read(console, snapshot);
        if (svg is null)
        {
            using var picture = new MemoryStream();
            SnapshotSvg.Write(arena, picture);
            console.Output.Write(System.Text.Encoding.UTF8.GetString(picture.GetBuffer(), 0, (int)picture.Length));
            return;
        }

        using var files = new OutputFiles();
        files.Stage(svg, stream => SnapshotSvg.Write(arena, stream));
        files.Commit();
    }

    private static ArenaPicture Read(ToolConsole console, string snapshot)
    {
        if (snapshot == StandardInput)
        {
            using Stream input = console.OpenInput();
            return SnapshotReader.Read("standard input", input);
        }

        try
        {
            using FileStream file = File.OpenRead(snapshot);
            return SnapshotReader.Read(snapshot, file);
        }
        catch (Exception fault) when (fault is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new SnapshotFormatException(snapshot, "the file", "there is no such file");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            string why = Directory.Exists(snapshot) ? "it is a folder" : fault.Message.TrimEnd('.');
            throw new SnapshotFormatException(snapshot, "the file", $"cannot be read ({why})");
        }
    }
}
