using System.Buffers.Binary;
using System.Globalization;
using System.Net;

namespace Vmem.Tool.Reports;

/// <summary>How addresses are written.</summary>
internal enum AddressNotation
{
    /// <summary>As values of the type are read: IDs and ports in decimal, addresses in hexadecimal.</summary>
    Auto,

    Decimal,

    Hex,

    /// <summary>As IPv4 or IPv6 addresses; a range is written as a prefix where it is one.</summary>
    Ip,
}

/// <summary>Writes the addresses and ranges of an arena of some type.</summary>
internal readonly struct AddressText
{
    private readonly AddressNotation _notation;
    private readonly int _bits;

    private AddressText(AddressNotation notation, int bits)
    {
        _notation = notation;
        _bits = bits;
    }

    /// <summary>Whether numbers are written in tens.</summary>
    public bool IsDecimal => _notation == AddressNotation.Decimal;

    /// <summary>Whether values are addresses of the internet: then sizes are counts of those.</summary>
    public bool IsIp => _notation == AddressNotation.Ip;

    /// <summary>Null if values of the type are no addresses of that notation.</summary>
    public static AddressText? Of(string type, AddressNotation notation) => (notation, type) switch
    {
        (AddressNotation.Auto, "Byte" or "UInt16") => new AddressText(AddressNotation.Decimal, 0),
        (AddressNotation.Auto, _) => new AddressText(AddressNotation.Hex, 0),
        (AddressNotation.Ip, "UInt32") => new AddressText(AddressNotation.Ip, 32),
        (AddressNotation.Ip, "UInt128") => new AddressText(AddressNotation.Ip, 128),
        (AddressNotation.Ip, _) => null,
        _ => new AddressText(notation, 0),
    };

    public string Of(UInt128 value) => _notation switch
    {
        AddressNotation.Decimal => value.ToString(CultureInfo.InvariantCulture),
        AddressNotation.Hex => "0x" + value.ToString("x", CultureInfo.InvariantCulture),
        _ => ToAddress(value).ToString(),
    };

    public string Of(UInt128 start, UInt128 size)
    {
        if (_notation != AddressNotation.Ip)
        {
            return Of(start);
        }

        bool isPrefix = UInt128.IsPow2(size) && (start & (size - 1)) == 0;
        return isPrefix ? $"{Of(start)}/{_bits - (int)UInt128.Log2(size)}" : $"{Of(start)} to {Of(start + (size - 1))}";
    }

    private IPAddress ToAddress(UInt128 value)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, value);
        return new IPAddress(bytes[^(_bits / 8)..]);
    }
}
