using System.Text;
using System.Xml;
using Vmem.Tool.Reports;

namespace Vmem.Fuzz.Targets;

/// <summary>The tool's reader of snapshots, <c>vmem map</c>: what it accepts is drawn, and the picture is well-formed XML.</summary>
internal sealed class MapTarget : FuzzTarget
{
    private const long FixedBytes = 1 << 20;

    // The densest input is a range of six bytes, ["0","1"], and one byte a token in arrays of arrays: the document has 12 bytes a token and
    // doubles its table, a range takes 32 bytes in a list that doubles, and its strings are written as UTF-16.
    private const long BytesPerByte = 256;

    public override string Name => "map";

    public override IReadOnlyList<string> Words => SnapshotWords.All;

    public override bool Check(byte[] input)
    {
        AllocationBound bound = AllocationBound.Begin(FixedBytes, BytesPerByte, input.Length);
        ArenaPicture picture;
        try
        {
            picture = PictureReader.Read("snapshot", new DribblingStream(input, 64));
        }
        catch (SnapshotFormatException fault)
        {
            bound.Check("The snapshot reader");
            CheckMessage(fault.Message);
            return false;
        }

        using var svg = new MemoryStream();
        SnapshotSvg.Write(picture, AddressText.Of(picture.Type, AddressNotation.Auto)!.Value, svg);
        bound.Check("The snapshot reader");
        FindingException.Unless(picture.InUse <= picture.Total, "More is in use than there is.");
        FindingException.Unless(picture.LargestFree <= picture.Free, "The largest free segment is larger than all that is free.");
        FindingException.Unless(picture.Fragmentation is >= 0 and < 1, $"A fragmentation of {picture.Fragmentation}.");
        CheckXml(svg.ToArray());
        return true;
    }

    private static void CheckXml(byte[] svg)
    {
        try
        {
            using var reader = XmlReader.Create(new MemoryStream(svg));
            while (reader.Read())
            {
            }
        }
        catch (XmlException fault)
        {
            throw new FindingException($"The picture is no XML: {fault.Message}");
        }
    }

    // It goes to a terminal.
    private static void CheckMessage(string message)
    {
        const int mostCharacters = 400;
        FindingException.Unless(message.Length <= mostCharacters, $"A message of {message.Length} characters.");
        FindingException.Unless(!message.Any(char.IsControl), "A message with a control character.");
    }
}
