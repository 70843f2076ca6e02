namespace Vmem.Tool.Traces;

/// <summary>
/// What ltrace puts in front of a call: <c>[pid 123]</c> (or <c>123</c> with <c>-o</c>), a time (<c>13:51:13.977701</c>,
/// <c>1795787474.706328</c>, <c>0.000252</c>), and the place of the call, <c>[0x401222]</c>.
/// </summary>
internal static class LtracePrefix
{
    /// <summary>The call.</summary>
    /// <param name="line">All of the line.</param>
    /// <param name="thread">0 when the line names none.</param>
    public static ReadOnlySpan<byte> Take(ReadOnlySpan<byte> line, out ulong thread)
    {
        thread = 0;
        ReadOnlySpan<byte> rest = line.TrimStart(" \t"u8);
        while (rest.Length > 0)
        {
            ReadOnlySpan<byte> pid = "[pid "u8;
            int end = rest[0] == '[' ? rest.IndexOf((byte)']') : char.IsAsciiDigit((char)rest[0]) ? rest.IndexOf((byte)' ') : -1;
            if (end < 0)
            {
                break;
            }

            ReadOnlySpan<byte> field = rest[..end];
            if (CallText.TryReadNumber(field.StartsWith(pid) ? field[pid.Length..] : field, out ulong number))
            {
                thread = number;
            }

            rest = rest[(end + 1)..].TrimStart((byte)' ');
        }

        return rest;
    }
}
