using System.Text;
using Vmem.Tool.Reports;

namespace Vmem.Tool.Tests.Reports;

/// <summary>Snapshots with one thing wrong that a generator chose: each is drawn or refused with its name, and nothing else
/// happens.</summary>
public sealed class SnapshotNoiseTests
{
    private static readonly byte[] s_snapshot = Encoding.UTF8.GetBytes(
        """
        {"vmemSnapshot":1,"type":"UInt16","name":"a\u00e9b","quantum":"16","policy":"InstantFit","spans":
          [{"start":"0","size":"1024","imported":false,"allocated":[["0","64"],["128","32"]]},{"start":"4096","size":"64","imported":true,"allocated":[]}]}
        """);

    private static readonly string[] s_pieces = ["\"", "{", "}", "[", "]", ",", ":", "null", "true", "-1", "1e999", "\\u0000", "\\udfff", "\\", "\"size\":\"0\",", "\u2028", "99999999999999999999999999999999999999999"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void It_is_drawn_or_refused(int seed)
    {
        var random = new Random(seed);
        for (int round = 0; round < 5_000; round++)
        {
            byte[] text = Spoil(random);
            try
            {
                using var picture = new MemoryStream();
                ArenaPicture arena = PictureReader.Read("noise", new MemoryStream(text));
                SnapshotSvg.Write(arena, AddressText.Of(arena.Type, AddressNotation.Auto)!.Value, picture);
                _ = System.Xml.Linq.XElement.Parse(Encoding.UTF8.GetString(picture.ToArray()));
            }
            catch (SnapshotFormatException refusal)
            {
                Assert.StartsWith("noise: ", refusal.Message, StringComparison.Ordinal);
                Assert.InRange(refusal.Message.Length, 10, 300);
                Assert.DoesNotContain(refusal.Message, char.IsControl);
            }
        }
    }

    private static byte[] Spoil(Random random)
    {
        int at = random.Next(s_snapshot.Length);
        byte[] piece = random.Next(3) switch
        {
            0 => [(byte)random.Next(256)],
            1 => Encoding.UTF8.GetBytes(s_pieces[random.Next(s_pieces.Length)]),
            _ => [.. s_snapshot.Skip(random.Next(s_snapshot.Length)).Take(20)],
        };
        int skipped = Math.Min(random.Next(4) == 0 ? random.Next(40) : random.Next(2), s_snapshot.Length - at);
        return [.. s_snapshot[..at], .. piece, .. s_snapshot[(at + skipped)..]];
    }
}
