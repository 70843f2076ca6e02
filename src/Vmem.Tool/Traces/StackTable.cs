using System.Globalization;
using System.Text;
using Vmem.Tool.Files;

namespace Vmem.Tool.Traces;

/// <summary>
/// The call stacks of a recording. A <em>site</em> is the place of an allocation with all its callers: a node of a tree, which names a
/// <em>code address</em> and the node of its caller. A code address has one frame, or several where functions were inlined. So a million
/// stacks that share their outer frames take 8 bytes each and not a list each. Text is kept as the recording's bytes and decoded when it is
/// shown, for few sites ever are.
/// <para>Everything is indexed from 1, as heaptrack does; 0 is "unknown". Nothing that the recording says can make an index point past
/// what is there, or a stack point to itself: callers come before what they call.</para>
/// </summary>
internal sealed class StackTable
{
    // Limits against a recording that would fill the memory: several times what the largest programs have, else arbitrary. What comes
    // after them is unknown, and the replay goes on.
    private const int MaxSites = 1 << 24;
    private const int MaxAddresses = 1 << 22;
    private const int MaxFrames = 1 << 23;
    private const int MaxTextBytes = 1 << 28;

    // heaptrack's own limit of a stack's depth is 64.
    private const int MaxDepth = 64;

    private readonly GrowingArray<SiteNode> _sites = new(MaxSites);
    private readonly GrowingArray<CodeAddress> _addresses = new(MaxAddresses);
    private readonly GrowingArray<FrameText> _frames = new(MaxFrames);
    private readonly GrowingArray<byte> _text = new(MaxTextBytes);
    private readonly GrowingArray<int> _stringEnds = new(MaxFrames);

    /// <summary>Of formats without stacks.</summary>
    public static StackTable Empty { get; } = new();

    /// <summary>Sites are 1 to this.</summary>
    public int Count => _sites.Count;

    /// <summary>The bytes of the table's arrays.</summary>
    public long Bytes => _sites.Bytes + _addresses.Bytes + _frames.Bytes + _text.Bytes + _stringEnds.Bytes;

    /// <summary>The stack of a site, innermost frame first; empty for an unknown one. Computed at each call.</summary>
    public IReadOnlyList<StackFrame> this[int site]
    {
        get
        {
            var stack = new List<StackFrame>();
            for (int depth = 0; site > 0 && site <= _sites.Count && depth < MaxDepth; depth++)
            {
                SiteNode node = _sites[site - 1];
                AppendFrames(node.Address, stack);
                site = node.Caller;
            }

            stack.RemoveRange(0, stack.TakeWhile(frame => frame.IsOperatorNew).Count());
            return stack;
        }
    }

    /// <summary>The innermost code addresses of a site, innermost first; 0 where there are no more.</summary>
    public void CopyAddresses(int site, Span<int> addresses)
    {
        foreach (ref int address in addresses)
        {
            SiteNode node = site > 0 && site <= _sites.Count ? _sites[site - 1] : default;
            address = node.Address;
            site = node.Caller;
        }
    }

    /// <summary>The one function, file and line that a code address is in, as numbers of strings; null where there is none, or
    /// several.</summary>
    public (int Function, int File, int Line)? FrameOf(int address)
    {
        int first = address == 0 ? 0 : _addresses[address - 1].FirstFrame;
        int end = address == 0 ? 0 : address < _addresses.Count ? _addresses[address].FirstFrame : _frames.Count;
        return end - first == 1 ? (_frames[first].Function, _frames[first].File, _frames[first].Line) : null;
    }

    /// <summary>The site when the table has it, else 0.</summary>
    public int Known(ulong site) => site <= (ulong)_sites.Count ? (int)site : 0;

    /// <summary>Strings are numbered in the order of their coming; one that finds no room is empty.</summary>
    public int AddString(ReadOnlySpan<byte> text)
    {
        _text.TryAppend(text);
        return _stringEnds.TryAppend(_text.Count) ? _stringEnds.Count : 0;
    }

    /// <summary>Opens the next code address, whose frames follow.</summary>
    /// <param name="address">Absolute, or within the module.</param>
    /// <param name="module">The string that names the module.</param>
    /// <param name="isOffset">Whether the address is counted from the module's start.</param>
    /// <returns>Its index; 0 when there is no room.</returns>
    public int AddAddress(ulong address, ulong module, bool isOffset) =>
        _addresses.TryAppend(new CodeAddress(address, KnownString(module), _frames.Count, isOffset)) ? _addresses.Count : 0;

    /// <summary>Appends a frame to the code address last added: inner functions first.</summary>
    public void AddFrame(ulong function, ulong file, ulong line) =>
        _frames.TryAppend(new FrameText(KnownString(function), KnownString(file), (int)Math.Min(line, int.MaxValue)));

    /// <summary>Adds the next site. What it refers to and is not there, becomes unknown.</summary>
    public void AddSite(ulong address, ulong caller) => _sites.TryAppend(new SiteNode(
        address <= (ulong)_addresses.Count ? (int)address : 0, caller <= (ulong)_sites.Count ? (int)caller : 0));

    private int KnownString(ulong index) => index <= (ulong)_stringEnds.Count ? (int)index : 0;

    private void AppendFrames(int index, List<StackFrame> stack)
    {
        if (index == 0)
        {
            return;
        }

        CodeAddress address = _addresses[index - 1];
        string module = TextOf(address.Module);
        int end = index < _addresses.Count ? _addresses[index].FirstFrame : _frames.Count;
        if (end == address.FirstFrame)
        {
            stack.Add(new StackFrame(module, address.Address, address.IsOffset, "", "", 0));
        }

        for (int next = address.FirstFrame; next < end; next++)
        {
            FrameText frame = _frames[next];
            stack.Add(new StackFrame(module, address.Address, address.IsOffset, TextOf(frame.Function), TextOf(frame.File), frame.Line));
        }
    }

    private string TextOf(int index)
    {
        if (index == 0)
        {
            return "";
        }

        int start = index == 1 ? 0 : _stringEnds[index - 2];
        return PlainText.Of(Encoding.UTF8.GetString(_text.Items[start.._stringEnds[index - 1]]));
    }

    private readonly record struct SiteNode(int Address, int Caller);

    private readonly record struct CodeAddress(ulong Address, int Module, int FirstFrame, bool IsOffset);

    private readonly record struct FrameText(int Function, int File, int Line);
}

/// <summary>One function in a call stack, as far as the recording knows it: unknown text is empty, an unknown line 0.</summary>
/// <param name="Module">The path of the program or library.</param>
/// <param name="Address">The code's address.</param>
/// <param name="IsOffset">Whether the address is counted from the module's start.</param>
/// <param name="Function">Its name, demangled as the recorder did.</param>
/// <param name="File">The path of its source.</param>
/// <param name="Line">In the source, from 1.</param>
internal readonly record struct StackFrame(string Module, ulong Address, bool IsOffset, string Function, string File, int Line)
{
    /// <summary>C++'s own allocation functions, which say nothing about who allocates.</summary>
    public bool IsOperatorNew =>
        Function.StartsWith("operator new(", StringComparison.Ordinal) || Function.StartsWith("operator new[](", StringComparison.Ordinal);

    /// <summary>As <c>sqlite3_malloc (sqlite3.c:1234)</c>, <c>sqlite3_malloc (libsqlite3.so.0)</c>, or
    /// <c>libsqlite3.so.0+0x1234</c>.</summary>
    public override string ToString()
    {
        if (Function.Length == 0)
        {
            string address = string.Create(CultureInfo.InvariantCulture, $"0x{Address:x}");
            return Module.Length == 0 ? address : $"{NameOf(Module)}{(IsOffset ? "+" : " at ")}{address}";
        }

        string place = File.Length == 0 ? NameOf(Module) : Line == 0 ? NameOf(File) : $"{NameOf(File)}:{Line}";
        return place.Length == 0 ? Function : $"{Function} ({place})";
    }

    private static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..];
}
