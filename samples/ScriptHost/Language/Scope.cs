namespace Vmem.Samples.Language;

/// <summary>
/// The names of a function's variables, block in block, and the words of its frame that they have. Blocks that do not overlap share words.
/// </summary>
internal sealed class Scope
{
    private readonly List<Dictionary<string, int>> _blocks = [[]];
    private int _inUse;

    /// <summary>The words that the frame needs.</summary>
    public int Words { get; private set; }

    public void EnterBlock() => _blocks.Add([]);

    public void LeaveBlock()
    {
        _inUse -= _blocks[^1].Count;
        _blocks.RemoveAt(_blocks.Count - 1);
    }

    /// <summary>False if the innermost block has such a name.</summary>
    public bool TryDeclare(string name, out int word)
    {
        word = _inUse;
        if (!_blocks[^1].TryAdd(name, word))
        {
            return false;
        }

        _inUse++;
        Words = Math.Max(Words, _inUse);
        return true;
    }

    public bool TryFind(string name, out int word)
    {
        for (int block = _blocks.Count - 1; block >= 0; block--)
        {
            if (_blocks[block].TryGetValue(name, out word))
            {
                return true;
            }
        }

        word = 0;
        return false;
    }
}
