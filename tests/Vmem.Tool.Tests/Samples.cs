using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Vmem.Tool.Tests;

/// <summary>Recordings: the shipped ones, and generated ones.</summary>
internal static class Samples
{
    public static string CompilerTrace => Path.Combine(AppContext.BaseDirectory, "samples", "cc1plus.heaptrack.raw.gz");

    public static string SqliteTrace => Path.Combine(AppContext.BaseDirectory, "samples", "sqlite.heaptrack.raw.gz");

    /// <summary>The picture that the documents show.</summary>
    public static string AddressTimeMap => Path.Combine(AppContext.BaseDirectory, "docs", "images", "address-time-map.svg");

    /// <summary>One of the small recordings of the tests' own.</summary>
    public static string Recording(string name) => Path.Combine(AppContext.BaseDirectory, "Traces", "Recordings", name);

    public static byte[] Zstd(string text)
    {
        using var compressor = new ZstdSharp.Compressor();
        return compressor.Wrap(Encoding.ASCII.GetBytes(text)).ToArray();
    }

    public static byte[] Gzip(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true))
        {
            gzip.Write(Encoding.ASCII.GetBytes(text));
        }

        return packed.ToArray();
    }

    /// <summary>A program that keeps some <paramref name="live"/> objects, in the tool's own format; the same for the same seed.</summary>
    public static string Generate(int events, int live, int seed, int largest = 400)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        var ids = new List<int>();
        for (int next = 0; next < events; next++)
        {
            if (ids.Count > 0 && random.Next(2 * live) < ids.Count)
            {
                int victim = random.Next(ids.Count);
                text.Append(CultureInfo.InvariantCulture, $"f {ids[victim]}\n");
                ids[victim] = ids[^1];
                ids.RemoveAt(ids.Count - 1);
            }
            else
            {
                text.Append(CultureInfo.InvariantCulture, $"a {next} {random.Next(largest)}\n");
                ids.Add(next);
            }
        }

        return text.ToString();
    }
}
