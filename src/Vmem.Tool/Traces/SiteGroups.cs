using System.Runtime.InteropServices;

namespace Vmem.Tool.Traces;

/// <summary>
/// Sums figures of sites by what a reader can tell apart. A recording has a site for each whole stack, and a recursive program thousands
/// that differ only in their outer frames; so sites are one group if their <see cref="Depth"/> innermost callers are the same. Two calls
/// in one function count as the same if the recording knows no line of either.
/// <para>Compared are numbers, not text: only what is shown is decoded.</para>
/// </summary>
/// <param name="stacks">The recording's.</param>
internal sealed class SiteGroups(StackTable stacks)
{
    /// <summary>As deep as a reader follows; arbitrary.</summary>
    public const int Depth = 6;

    // malloc and its relatives say nothing about who allocates.
    private static readonly HashSet<string> s_allocators = ["malloc", "calloc", "realloc", "reallocarray", "memalign", "aligned_alloc", "posix_memalign"];

    private readonly Dictionary<(int Function, int File, int Line), int> _alike = [];
    private readonly Dictionary<string, SiteShare> _groups = [];

    public void Add(SiteShare share)
    {
        string key = KeyOf(share.Site);
        if (!_groups.TryGetValue(key, out SiteShare? group))
        {
            _groups.Add(key, group = new SiteShare(share.Site));
        }

        group.Bytes += share.Bytes;
        group.Count += share.Count;
    }

    /// <summary>The groups with the most bytes.</summary>
    public IReadOnlyList<SiteGroup> Top(int most) =>
    [
        .. _groups.Values.Where(group => group.Bytes > 0).OrderByDescending(group => group.Bytes).ThenBy(group => group.Site).Take(most)
            .Select(group => new SiteGroup(FramesOf(group.Site), group.Bytes, group.Count)),
    ];

    private List<string> FramesOf(int site)
    {
        var frames = new List<string>();
        foreach (StackFrame frame in stacks[site])
        {
            if (frames.Count < Depth && (frames.Count > 0 || !s_allocators.Contains(frame.Function)))
            {
                frames.Add(frame.ToString());
            }
        }

        return frames;
    }

    // The addresses as they lie in memory: a string is the one key of any length that every dictionary knows how to compare.
    private string KeyOf(int site)
    {
        Span<int> addresses = stackalloc int[Depth];
        stacks.CopyAddresses(site, addresses);
        foreach (ref int address in addresses)
        {
            if (stacks.FrameOf(address) is { Function: > 0 } frame && !_alike.TryAdd(frame, address))
            {
                address = _alike[frame];
            }
        }

        return new string(MemoryMarshal.Cast<int, char>(addresses));
    }
}

/// <param name="Stack">Innermost first; empty where it is unknown.</param>
/// <param name="Bytes">The sum over its sites.</param>
/// <param name="Count">Of blocks, or of holes.</param>
internal sealed record SiteGroup(IReadOnlyList<string> Stack, ulong Bytes, long Count);
