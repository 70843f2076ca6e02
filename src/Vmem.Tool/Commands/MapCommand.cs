using System.CommandLine;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Commands;

/// <summary><c>vmem map SNAPSHOT.json</c>: the picture of one arena, or of the blocks of a GPU allocator.</summary>
internal static class MapCommand
{
    private const string StandardInput = "-";

    public static Command Create(ToolConsole console)
    {
        var snapshot = new Argument<string>("SNAPSHOT")
        {
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
        var command = new Command("map", "Draws an arena from its snapshot, as SVG: its spans, what is allocated and what is free.") { snapshot, svg, addresses };
        command.SetAction((parsed, cancellationToken) => ToolCommand.RunAsync(
            console, () => Execute(console, parsed.GetValue(snapshot)!, parsed.GetValue(svg), parsed.GetValue(addresses)),
                cancellationToken));
        return command;
    }

    private static void Execute(ToolConsole console, string snapshot, string? svg, AddressNotation notation)
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
        files.Stage(svg, stream => SnapshotSvg.Write(arena, addresses, stream));
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
