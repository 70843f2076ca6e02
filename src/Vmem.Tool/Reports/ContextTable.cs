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
        var table = new Table { Border = TableBorder.Rounded };
        for (int column = 0; column < Heads.Count; column++)
        {
            var head = new TableColumn(Heads[column]);
            table.AddColumn(column == 0 ? head : head.RightAligned().NoWrap());
        }

        foreach (ClientReport client in context.Clients)
        {
            table.AddRow([.. Cells(client).Select(Markup.Escape)]);
        }

        console.Write(table);
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
