using System.Globalization;
using System.Text;

namespace Vmem.Tool.Traces;

/// <summary>The tags of a recording as sites: each is a stack of one frame, which has the tag's name.</summary>
internal sealed class TagTable
{
    // Programs may tag by request, without end; what comes after so many is unknown. Arbitrary.
    private const int MaxTags = 1 << 20;

    private readonly Dictionary<ulong, int> _sites = new(SeededHash.Instance);

    public StackTable Stacks { get; } = new();

    /// <summary>The site of a tag; 0 for the tag 0, which is none.</summary>
    public int SiteOf(ulong tag)
    {
        if (tag == 0)
        {
            return 0;
        }

        return _sites.TryGetValue(tag, out int site)
            ? site
            : Add(tag, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"tag {tag}")));
    }

    /// <summary>Names a tag, unless it has a name or was seen already.</summary>
    public void Name(ulong tag, ReadOnlySpan<byte> name)
    {
        if (tag != 0 && !_sites.ContainsKey(tag))
        {
            _ = Add(tag, name);
        }
    }

    private int Add(ulong tag, ReadOnlySpan<byte> name)
    {
        if (_sites.Count == MaxTags)
        {
            return 0;
        }

        int address = Stacks.AddAddress(tag, module: 0, isOffset: false);
        Stacks.AddFrame((ulong)Stacks.AddString(name), file: 0, line: 0);
        Stacks.AddSite((ulong)address, caller: 0);
        _sites.Add(tag, Stacks.Count);
        return Stacks.Count;
    }
}
