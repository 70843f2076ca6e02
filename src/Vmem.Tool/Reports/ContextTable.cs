using System.Globalization;
using Spectre.Console;

namespace Vmem.Tool.Reports;

/// <summary>The context on the terminal and on the page: a line a client, in the order of their deletion.</summary>
internal static class ContextTable
{
    public static IReadOnlyList<string> Heads { get; } = ["deleted client", "blocks left", "in use", "held", "deleted in", "others hold"];

    public static void Write(IAnsiConsole console, ContextReport context)
    {
        console.WriteLine(context.Describe());
        new Grid(
            [.. Heads.Select(head => new GridCell(head))],
            [.. context.Clients.Select(client => Cells(client).Select(cell => new GridCell(cell)).ToList())]).Write(console);
        console.WriteLine(context.DescribeEnd());
    }

    public static IReadOnlyList<string> Cells(ClientReport client) =>
    [
        TraceNotes.ShortName(client.Name),
        Units.Count(client.LiveBlocks),
        Units.Bytes(client.InUseBytes),
        Units.Bytes(client.HeldBytes),
        $"{client.DeletionMicroseconds.ToString("#,0", CultureInfo.InvariantCulture)} µs",
        Units.Bytes(client.HeldByOthersBytes),
    ];
}
