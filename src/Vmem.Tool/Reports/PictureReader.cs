using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Vmem.Tool.Reports;

/// <summary>
/// Reads what can be drawn as a map: a snapshot of an arena, or what GPU allocators write about their blocks. A document is told by its
/// members; a file's name says nothing.
/// <para>The bytes are checked to be text first: the JSON reader looks at that only when a string is taken out of it, and then does not
/// say where it was.</para>
/// </summary>
internal sealed class PictureReader
{
    // Some twenty million ranges; arbitrary. Beyond it the input is something else, perhaps without an end.
    private const int MostBytes = 512 << 20;

    // Each name once: of two spans lists, which would count?
    private static readonly JsonDocumentOptions s_strict = new() { AllowDuplicateProperties = false };

    private readonly JsonFile _json;

    private PictureReader(string file)
    {
        _json = new JsonFile(file);
    }

    /// <exception cref="SnapshotFormatException">It is nothing that can be drawn.</exception>
    public static ArenaPicture Read(string file, Stream stream)
    {
        var reader = new PictureReader(file);
        ReadOnlyMemory<byte> text = reader.ReadText(stream);
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, s_strict);
            return reader.Read(document.RootElement);
        }
        catch (JsonException fault)
        {
            string where = $"line {(fault.LineNumber ?? 0) + 1}, byte {(fault.BytePositionInLine ?? 0) + 1}";
            string reason = fault.Message.Split(" LineNumber:", 2)[0].TrimEnd('.');
            throw reader._json.Fault(where, $"this is not well-formed JSON ({JsonFile.Shorten(reason)})");
        }
        catch (InvalidOperationException)
        {
            // What the JSON reader throws for the escape of half a surrogate pair, in a name or in a value.
            throw reader._json.Fault("the text", "an escape (\\u…) stands for half a character");
        }
    }

    private ArenaPicture Read(JsonElement root)
    {
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty(SnapshotReader.VersionMember, out _))
        {
            return new SnapshotReader(_json).Read(root);
        }

        return GpuDumpReader.TryRead(_json, root) ?? throw _json.Fault(
            "the top",
            "there is no \"vmemSnapshot\": this is no snapshot of an arena, and no statistics of VMA or D3D12MA either (\"DefaultPools\", \"Details\")");
    }

    private ReadOnlyMemory<byte> ReadText(Stream stream)
    {
        var whole = new MemoryStream();
        try
        {
            var buffer = new byte[64 * 1024];
            for (int read; (read = stream.Read(buffer)) > 0;)
            {
                whole.Write(buffer, 0, read);
                if (whole.Length > MostBytes)
                {
                    throw _json.Fault("the file", $"this is more than {MostBytes >> 20} MiB: too large for a snapshot");
                }
            }
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            throw _json.Fault("the file", $"cannot be read ({fault.Message.TrimEnd('.')})");
        }

        ReadOnlyMemory<byte> text = whole.GetBuffer().AsMemory(0, (int)whole.Length);
        text = text.Span.StartsWith(Encoding.UTF8.Preamble) ? text[Encoding.UTF8.Preamble.Length..] : text;
        return Utf8.IsValid(text.Span) ? text : throw NoText(text.Span);
    }

    private SnapshotFormatException NoText(ReadOnlySpan<byte> text)
    {
        int position = 0;
        while (Rune.DecodeFromUtf8(text[position..], out _, out int length) == System.Buffers.OperationStatus.Done)
        {
            position += length;
        }

        ReadOnlySpan<byte> before = text[..position];
        int column = position - (before.LastIndexOf((byte)'\n') + 1);
        return _json.Fault($"line {before.Count((byte)'\n') + 1}, byte {column + 1}", $"the byte 0x{text[position]:x2} is no UTF-8 text");
    }
}
