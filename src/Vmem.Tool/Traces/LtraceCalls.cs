namespace Vmem.Tool.Traces;

/// <summary>The calls that have begun and not ended, thread by thread, innermost last.</summary>
internal sealed class LtraceCalls
{
    // Limits against a text that would fill the memory: more threads than a program has, calls deeper than they call each other. When
    // they are exceeded what was begun is forgotten: those calls count as lost.
    private const int MaxThreads = 1 << 14;
    private const int MaxDepth = 64;

    private readonly Dictionary<ulong, List<Call>> _threads = new(SeededHash.Instance);

    /// <summary>A call begins.</summary>
    /// <returns>The address that it frees, or 0.</returns>
    public ulong Begin(ulong thread, CallKind kind, ulong address, ulong size)
    {
        bool isInner = kind == CallKind.Free && IsFreeing(thread);
        if (!_threads.TryGetValue(thread, out List<Call>? calls))
        {
            if (_threads.Count == MaxThreads)
            {
                _threads.Clear();
            }

            _threads.Add(thread, calls = []);
        }

        if (calls.Count == MaxDepth)
        {
            calls.Clear();
        }

        calls.Add(new Call(kind, size, IsDone: false));
        return isInner ? 0 : address;
    }

    /// <summary>Whether a free (or delete) has begun: one inside it is the same.</summary>
    public bool IsFreeing(ulong thread) =>
        _threads.TryGetValue(thread, out List<Call>? calls) && calls.Count > 0 && calls[^1].Kind == CallKind.Free;

    /// <summary>An allocation has been told: those that it is inside of will return the same object.</summary>
    public void HasAllocated(ulong thread)
    {
        if (_threads.TryGetValue(thread, out List<Call>? calls))
        {
            for (int i = 0; i < calls.Count; i++)
            {
                calls[i] = calls[i] with { IsDone = true };
            }
        }
    }

    /// <summary>The innermost call ends.</summary>
    /// <returns>False when it allocates nothing that is not told yet, or its beginning was not seen.</returns>
    public bool TryEnd(ulong thread, out ulong size)
    {
        size = 0;
        if (!_threads.TryGetValue(thread, out List<Call>? calls) || calls.Count == 0)
        {
            return false;
        }

        Call ended = calls[^1];
        calls.RemoveAt(calls.Count - 1);
        size = ended.Size;
        return ended.Kind != CallKind.Free && !ended.IsDone;
    }

    private readonly record struct Call(CallKind Kind, ulong Size, bool IsDone);
}
