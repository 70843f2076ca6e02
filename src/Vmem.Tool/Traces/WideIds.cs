namespace Vmem.Tool.Traces;

/// <summary>
/// IDs of 2^64 and more, as IPv6 addresses are, get numbers of 64 bits while their objects live: the replay's own table has room for no
/// more, and few recordings have such IDs. The numbers are taken from the top, where no recording's own IDs lie; one that did would be
/// found as an object that is live already.
/// </summary>
internal sealed class WideIds
{
    private readonly Dictionary<UInt128, ulong> _numbers = new(SeededHash.Instance);
    private readonly Stack<ulong> _free = new();
    private ulong _next = ulong.MaxValue;
    private (ulong Id, UInt128 Wide) _last;

    /// <summary>What the recording calls the object that it named last; of others the number itself.</summary>
    public UInt128 NameOf(ulong id) => id == _last.Id && _last.Wide > 0 ? _last.Wide : id;

    /// <summary>False for a number that fits 64 bits: it was malformed, if it could not be read as one.</summary>
    public bool TryName(UInt128 wide, TraceEventKind kind, out ulong id)
    {
        id = 0;
        if (wide <= ulong.MaxValue)
        {
            return false;
        }

        if (!_numbers.TryGetValue(wide, out id))
        {
            id = _free.TryPop(out ulong free) ? free : _next--;
            _numbers.Add(wide, id);
        }

        _last = (id, wide);
        if (kind == TraceEventKind.Free)
        {
            _numbers.Remove(wide);
            _free.Push(id);
        }

        return true;
    }
}
