using System.Buffers.Text;

namespace Vmem.Tool.Traces;

/// <summary>What a function of the C or C++ library does with memory, and where its arguments say how much.</summary>
internal enum CallKind
{
    /// <summary>Nothing to a recording.</summary>
    None,

    /// <summary>malloc, valloc, operator new: <c>(size)</c>.</summary>
    Allocate,

    /// <summary><c>calloc(count, size)</c>.</summary>
    AllocateArray,

    /// <summary><c>memalign(alignment, size)</c>, aligned_alloc.</summary>
    AllocateAligned,

    /// <summary><c>realloc(address, size)</c>.</summary>
    Reallocate,

    /// <summary><c>reallocarray(address, count, size)</c>.</summary>
    ReallocateArray,

    /// <summary>free, operator delete: <c>(address)</c>.</summary>
    Free,
}

/// <summary>Reads a call such as <c>calloc(2, 16) = 0x55d2a0</c>, as tracers write it.</summary>
internal static class CallText
{
    /// <summary>The function by its name: mangled, demangled, or with the version of its symbol (<c>malloc@GLIBC_2.2.5</c>).</summary>
    public static CallKind KindOf(ReadOnlySpan<byte> name)
    {
        int version = name.IndexOf((byte)'@');
        name = (version < 0 ? name : name[..version]).Trim((byte)' ');
        if (name.StartsWith("_Znw"u8) || name.StartsWith("_Zna"u8))
        {
            return CallKind.Allocate;
        }

        if (name.StartsWith("_Zdl"u8) || name.StartsWith("_Zda"u8))
        {
            return CallKind.Free;
        }

        return name switch
        {
            _ when name.SequenceEqual("malloc"u8) || name.SequenceEqual("valloc"u8) || name.SequenceEqual("pvalloc"u8) => CallKind.Allocate,
            _ when name.SequenceEqual("operator new"u8) || name.SequenceEqual("operator new[]"u8) => CallKind.Allocate,
            _ when name.SequenceEqual("calloc"u8) => CallKind.AllocateArray,
            _ when name.SequenceEqual("memalign"u8) || name.SequenceEqual("aligned_alloc"u8) => CallKind.AllocateAligned,
            _ when name.SequenceEqual("realloc"u8) => CallKind.Reallocate,
            _ when name.SequenceEqual("reallocarray"u8) => CallKind.ReallocateArray,
            _ when name.SequenceEqual("free"u8) || name.SequenceEqual("cfree"u8) => CallKind.Free,
            _ when name.SequenceEqual("operator delete"u8) || name.SequenceEqual("operator delete[]"u8) => CallKind.Free,
            _ => CallKind.None,
        };
    }

    /// <summary>Takes the address and the size out of the arguments; what the function has none of is 0.</summary>
    /// <returns>False when they are not numbers.</returns>
    public static bool TryReadArguments(CallKind kind, ReadOnlySpan<byte> arguments, out ulong address, out ulong size)
    {
        address = 0;
        size = 0;
        ReadOnlySpan<byte> rest = arguments;
        if (kind is CallKind.Reallocate or CallKind.ReallocateArray or CallKind.Free && !TryReadNumber(TakeArgument(ref rest), out address))
        {
            return false;
        }

        if (kind == CallKind.Free)
        {
            return true;
        }

        // valgrind's "memalign(al 64, size 100)" and "_ZnwmSt11align_val_t(size 64, al 64)".
        ReadOnlySpan<byte> label = "size "u8;
        int labelled = rest.IndexOf(label);
        if (labelled >= 0)
        {
            rest = rest[(labelled + label.Length)..];
            return TryReadNumber(TakeArgument(ref rest), out size);
        }

        if (kind == CallKind.AllocateAligned)
        {
            _ = TakeArgument(ref rest);
        }

        ulong count = 1;
        if (kind is CallKind.AllocateArray or CallKind.ReallocateArray && !TryReadNumber(TakeArgument(ref rest), out count))
        {
            return false;
        }

        bool read = TryReadNumber(TakeArgument(ref rest), out size);
        UInt128 total = (UInt128)size * count;
        size = total > ulong.MaxValue ? ulong.MaxValue : (ulong)total;
        return read;
    }

    /// <summary>Decimal, or hexadecimal with <c>0x</c>. A negative number is a size that no allocator has, and so as large as can
    /// be.</summary>
    public static bool TryReadNumber(ReadOnlySpan<byte> text, out ulong value)
    {
        text = text.Trim((byte)' ');
        if (text.StartsWith("0x"u8))
        {
            return Utf8Parser.TryParse(text[2..], out value, out int digits, 'x') && digits == text.Length - 2;
        }

        if (text.SequenceEqual("nil"u8) || text.SequenceEqual("(nil)"u8) || text.SequenceEqual("NULL"u8))
        {
            value = 0;
            return true;
        }

        bool isNegative = text is [(byte)'-', ..];
        bool read = Utf8Parser.TryParse(isNegative ? text[1..] : text, out value, out int length)
            && length == text.Length - (isNegative ? 1 : 0);
        value = isNegative ? ulong.MaxValue : value;
        return read;
    }

    private static ReadOnlySpan<byte> TakeArgument(ref ReadOnlySpan<byte> arguments)
    {
        int comma = arguments.IndexOf((byte)',');
        ReadOnlySpan<byte> argument = comma < 0 ? arguments : arguments[..comma];
        arguments = comma < 0 ? default : arguments[(comma + 1)..];
        return argument;
    }
}
