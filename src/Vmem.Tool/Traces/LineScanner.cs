namespace Vmem.Tool.Traces;

/// <summary>Reads a line from left to right: fields apart by blanks, numbers in hexadecimal or decimal.</summary>
internal ref struct LineScanner
{
    // 16 digits of 4 bits fill a ulong.
    private const int MaxHexDigits = 16;

    // No branch for digits and letters: which comes next cannot be predicted, and a wrong guess costs more than a look into a table.
    private static readonly sbyte[] s_hexDigits = CreateHexDigits();

    private readonly ReadOnlySpan<byte> _line;
    private int _position;

    public LineScanner(ReadOnlySpan<byte> line, int position = 0)
    {
        _line = line;
        _position = position;
    }

    /// <summary>Whether only blanks are left.</summary>
    public bool AtEnd
    {
        get
        {
            SkipBlanks();
            return _position == _line.Length;
        }
    }

    /// <summary>A hexadecimal number of at most 64 bits, with or without 0x, that ends at a blank or the line's end.</summary>
    public bool TryReadHex(out ulong value)
    {
        SkipBlanks();
        ReadOnlySpan<byte> field = _line[_position..];
        int first = field.Length > 1 && field[0] == '0' && (field[1] | 0x20) == 'x' ? 2 : 0;
        int next = first;
        value = 0;
        for (; next < field.Length; next++)
        {
            int digit = s_hexDigits[field[next]];
            if (digit < 0)
            {
                break;
            }

            value = (value << 4) | (uint)digit;
        }

        _position += next;
        return next > first && next - first <= MaxHexDigits && EndsField();
    }

    /// <summary>A decimal number of at most 64 bits that ends at a blank or the line's end.</summary>
    public bool TryReadDecimal(out ulong value)
    {
        SkipBlanks();
        value = 0;
        int first = _position;
        while (_position < _line.Length)
        {
            uint digit = (uint)(_line[_position] - '0');
            if (digit > 9)
            {
                break;
            }

            if (value > (ulong.MaxValue - digit) / 10)
            {
                return false;
            }

            value = (value * 10) + digit;
            _position++;
        }

        return _position > first && EndsField();
    }

    /// <summary>So many bytes behind one blank, whatever they are.</summary>
    public bool TryTake(ulong length, out ReadOnlySpan<byte> text)
    {
        SkipOneBlank();
        bool fits = length <= (ulong)(_line.Length - _position);
        text = fits ? _line.Slice(_position, (int)length) : default;
        _position += text.Length;
        return fits;
    }

    /// <summary>What is left behind one blank.</summary>
    public ReadOnlySpan<byte> TakeRest()
    {
        SkipOneBlank();
        ReadOnlySpan<byte> rest = _line[_position..];
        _position = _line.Length;
        return rest;
    }

    /// <summary>What comes before the next blank; empty at the end.</summary>
    public ReadOnlySpan<byte> TakeField()
    {
        SkipBlanks();
        int start = _position;
        while (_position < _line.Length && !IsBlank(_line[_position]))
        {
            _position++;
        }

        return _line[start.._position];
    }

    public static bool IsBlank(byte value) => value is (byte)' ' or (byte)'\t';

    private readonly bool EndsField() => _position == _line.Length || IsBlank(_line[_position]);

    private void SkipOneBlank()
    {
        if (_position < _line.Length && IsBlank(_line[_position]))
        {
            _position++;
        }
    }

    private void SkipBlanks()
    {
        while (_position < _line.Length && IsBlank(_line[_position]))
        {
            _position++;
        }
    }

    private static sbyte[] CreateHexDigits()
    {
        var digits = new sbyte[256];
        Array.Fill(digits, (sbyte)-1);
        for (int digit = 0; digit < 16; digit++)
        {
            digits["0123456789abcdef"[digit]] = (sbyte)digit;
            digits["0123456789ABCDEF"[digit]] = (sbyte)digit;
        }

        return digits;
    }
}
