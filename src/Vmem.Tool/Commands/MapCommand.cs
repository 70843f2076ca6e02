using System.CommandLine;
using Vmem.Tool.Processes;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Commands;

/// <summary><c>vmem map SNAPSHOT.json</c>, <c>vmem map -p PID</c>: the picture of one arena, or of the blocks of a GPU allocator.</summary>
internal static class MapCommand
{
    private const string StandardInput = "-";

    public static Command Create(ToolConsole console)
    {
        var snapshot = new Argument<string?>("SNAPSHOT")
        {
            Arity = ArgumentArity.ZeroOrOne,
            Description = "A snapshot: what Arena.Snapshot().ToJson() or \"vmem replay --snapshot\" wrote; or detailed statistics of VMA or D3D12MA; \"-\" is standard input.",
        };
        var svg = new Option<string?>("--svg", "-o")
        {
            Description = "Where the picture goes. [default: standard output]",
            HelpName = "FILE.svg",
        };
        var addresses = new Option<AddressNotation>("--addresses")
        {
            Description = "How addresses are written: decimal, hex, ip (IPv4 for UInt32, IPv6 for UInt128), or auto: decimal for Byte and UInt16, else hex.",
        };
        addresses.AcceptOnlyFromAmong("auto", "decimal", "hex", "ip");
        Option<int?> pid = new("--pid", "-p")
        {
            Description = "Draws an arena of this running program instead of a snapshot. Nobody waits for it: the segments are read bit by bit.",
            HelpName = "PID",
        };
        var name = new Option<string?>("--arena", "-a")
        {
            Description = "Which arena of the program: its name, with #2 behind it for the second of that name. [default: the one with the most segments]",
            HelpName = "NAME",
        };
        var command = new Command("map", "Draws an arena from its snapshot, or of a running program, as SVG: its spans, what is allocated and what is free.")
        {
            snapshot, pid, name, svg, addresses,
        };
        command.SetAction((parsed, cancellationToken) => ToolCommand.RunAsync(
            console,
            () =>
            {
                string? file = parsed.GetValue(snapshot);
                string? output = parsed.GetValue(svg);
                CheckNames(file, parsed.GetValue(pid), parsed.GetValue(name), output);
                ArenaPicture arena = parsed.GetValue(pid) is { } process
                    ? RunningArena.Read(process, parsed.GetValue(name), cancellationToken)
                    : Read(console, file!);
                Draw(console, arena, output, parsed.GetValue(addresses), cancellationToken);
            },
            cancellationToken));
        return command;
    }

    private static void CheckNames(string? snapshot, int? pid, string? name, string? svg)
    {
        if (snapshot is null == pid is null)
        {
            throw new UsageException("a map is of a snapshot or of a running program: name a file, or a process with -p");
        }

        if (name is not null && pid is null)
        {
            throw new UsageException("--arena names an arena of a running program: that wants -p");
        }

        if (snapshot?.Length == 0 || svg?.Length == 0)
        {
            throw new UsageException("an empty name is no file's");
        }

        if (svg is not null && snapshot is not null && OutputFiles.PlaceOf(svg) == OutputFiles.PlaceOf(snapshot))
        {
            throw new UsageException($"{snapshot} is to be read and to be written");
        }
    }

    private static void Draw(
        ToolConsole console, ArenaPicture arena, string? svg, AddressNotation notation, CancellationToken cancellationToken)
    {
        AddressText addresses = AddressText.Of(arena.Type, notation)
            ?? throw new UsageException($"values of {arena.Type} are no IP addresses: UInt32 are IPv4's, UInt128 IPv6's");
        if (svg is null)
        {
            using var picture = new MemoryStream();
            SnapshotSvg.Write(arena, addresses, picture);
            console.Output.Write(System.Text.Encoding.UTF8.GetString(picture.GetBuffer(), 0, (int)picture.Length));
            return;
        }

        using var files = new OutputFiles();
        files.Add(svg, stream => SnapshotSvg.Write(arena, addresses, stream));
        files.Stage(cancellationToken);
        files.Commit();
    }

    private static ArenaPicture Read(ToolConsole console, string snapshot)
    {
        if (snapshot == StandardInput)
        {
            using Stream input = console.OpenInput();
            return PictureReader.Read("standard input", input);
        }

        try
        {
            using FileStream file = File.OpenRead(snapshot);
            return PictureReader.Read(snapshot, file);
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
