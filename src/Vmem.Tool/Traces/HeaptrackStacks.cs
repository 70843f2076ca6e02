using System.Text;

namespace Vmem.Tool.Traces;

/// <summary>
/// The lines of heaptrack that make up its stacks, all numbers hexadecimal.
/// <list type="bullet">
/// <item>Interpreted: <c>s</c> a string, <c>i ADDRESS MODULE [FUNCTION [FILE LINE {FUNCTION FILE LINE}…]]</c> a code address with its
/// frames, functions that were inlined first, <c>t CODE-ADDRESS CALLER</c> a site.</item>
/// <item>Raw: <c>x</c> the program's path, <c>m PATH START {OFFSET SIZE}…</c> a module and its pieces (<c>m -</c>: all are gone and are
/// told anew), <c>t ADDRESS CALLER</c> a site. The address is looked up among the modules that are there when it is first seen.</item>
/// </list>
/// From version 3 of the file format on a string comes after its length. A line that is wrong costs a name in a report, not the replay:
/// it counts, so that those after it keep their numbers, and is unknown.
/// </summary>
internal sealed class HeaptrackStacks
{
    // A program has some hundreds of modules, of four or five pieces each; arbitrary. Of pieces no more, because each is put in its place:
    // 256 KiB to move at the most.
    private const int MaxModules = 1 << 14;
    private const int MaxPieces = 1 << 13;

    // PATH_MAX of Linux.
    private const int LongestPath = 4096;

    private readonly Dictionary<ulong, int> _addresses = new(SeededHash.Instance);
    // In the order of their starts. Rejected: sorting at the first look-up after a change. A recording that tells a piece and looks up an
    // address by turns would have them sorted each time.
    private readonly GrowingArray<Piece> _pieces = new(MaxPieces);
    private readonly Dictionary<string, int> _modules = [];
    private int _program;

    public StackTable Table { get; } = new();

    /// <summary>From version 3 on.</summary>
    public bool HasSizedStrings { get; set; }

    public void ReadString(ReadOnlySpan<byte> line)
    {
        var scanner = new LineScanner(line, 1);
        _ = TryReadString(ref scanner, toEnd: true, out ReadOnlySpan<byte> text);
        Table.AddString(text);
    }

    public void ReadCodeAddress(ReadOnlySpan<byte> line)
    {
        var scanner = new LineScanner(line, 1);
        _ = scanner.TryReadHex(out ulong address);
        _ = scanner.TryReadHex(out ulong module);
        int index = Table.AddAddress(address, module, isOffset: false);
        while (index > 0 && scanner.TryReadHex(out ulong function))
        {
            _ = scanner.TryReadHex(out ulong file);
            _ = scanner.TryReadHex(out ulong number);
            Table.AddFrame(function, file, number);
        }
    }

    public void ReadSite(ReadOnlySpan<byte> line, bool isRaw)
    {
        var scanner = new LineScanner(line, 1);
        bool isWhole = scanner.TryReadHex(out ulong address) & scanner.TryReadHex(out ulong caller);
        Table.AddSite(!isWhole ? 0 : isRaw ? (ulong)LookUp(address) : address, isWhole ? caller : 0);
    }

    public void ReadProgram(ReadOnlySpan<byte> line)
    {
        var scanner = new LineScanner(line, 1);
        _ = TryReadString(ref scanner, toEnd: true, out ReadOnlySpan<byte> path);
        _program = Table.AddString(path);
    }

    public void ReadModule(ReadOnlySpan<byte> line)
    {
        var scanner = new LineScanner(line, 1);
        if (!TryReadString(ref scanner, toEnd: false, out ReadOnlySpan<byte> path) || path is [(byte)'-'])
        {
            _pieces.Clear();
            return;
        }

        int module = path is [(byte)'x'] ? _program : Intern(path);
        _ = scanner.TryReadHex(out ulong start);
        while (scanner.TryReadHex(out ulong offset) && scanner.TryReadHex(out ulong size))
        {
            ulong from = unchecked(start + offset);
            _ = _pieces.TryInsert(CountUpTo(from), new Piece(from, unchecked(from + size), start, module));
        }
    }

    // Modules are told anew whenever one is loaded: their names would otherwise be kept each time.
    private int Intern(ReadOnlySpan<byte> path)
    {
        if (path.Length > LongestPath)
        {
            return 0;
        }

        string name = Encoding.Latin1.GetString(path);
        if (!_modules.TryGetValue(name, out int index) && _modules.Count < MaxModules)
        {
            index = Table.AddString(path);
            _modules.Add(name, index);
        }

        return index;
    }

    private int LookUp(ulong address)
    {
        if (_addresses.TryGetValue(address, out int index) || address == 0)
        {
            return index;
        }

        Piece piece = FindPiece(address);
        index = piece.Module == 0
            ? Table.AddAddress(address, 0, isOffset: false)
            : Table.AddAddress(address - piece.ModuleStart, (ulong)piece.Module, isOffset: true);
        if (index > 0)
        {
            _addresses.Add(address, index);
        }

        return index;
    }

    private Piece FindPiece(ulong address)
    {
        int count = CountUpTo(address);
        return count > 0 && address < _pieces[count - 1].End ? _pieces[count - 1] : default;
    }

    // How many pieces start at or before the address.
    private int CountUpTo(ulong address)
    {
        int low = 0;
        int high = _pieces.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (_pieces[middle].Start <= address)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    // Without a size the string ends at the line's end or, when more follows, at the next blank.
    private bool TryReadString(ref LineScanner scanner, bool toEnd, out ReadOnlySpan<byte> text)
    {
        text = default;
        if (HasSizedStrings)
        {
            return scanner.TryReadHex(out ulong length) && scanner.TryTake(length, out text);
        }

        text = toEnd ? scanner.TakeRest() : scanner.TakeField();
        return !text.IsEmpty;
    }

    private readonly record struct Piece(ulong Start, ulong End, ulong ModuleStart, int Module);
}
