using System.Globalization;
using Vmem.Checks;
using Vmem.Diagnostics;

namespace Vmem.Caching;

/// <summary>The audit of an object cache: every object that it has made and not let go, whether it is out, and since when by whose
/// doing.</summary>
/// <remarks>It holds its objects: one that its user has lost is not collected, but stays here with the story of its rent.</remarks>
internal sealed class ReturnLedger(string cache, TimeProvider time)
{
    private readonly Gate _lock = new();
    private readonly AuditStacks _stacks = new();
    private readonly Dictionary<object, Entry> _entries = new(ReferenceEqualityComparer.Instance);

    /// <summary>An object goes out.</summary>
    public void NoteRent(object item)
    {
        Entry now = Here(isOut: true);
        using (_lock.EnterScope())
        {
            _entries[item] = now;
        }
    }

    /// <summary>An object comes back.</summary>
    /// <exception cref="InvalidReturnException">It is not out. Nothing was changed.</exception>
    public void NoteReturn(object item)
    {
        Entry now = Here(isOut: false);
        Entry before;
        using (_lock.EnterScope())
        {
            if (_entries.TryGetValue(item, out before) && before.IsOut)
            {
                _entries[item] = now;
                return;
            }
        }

        throw before.Stack is null
            ? new InvalidReturnException(InvalidReturnReason.Foreign, $"This {item.GetType()} was not rented from cache '{cache}', or the cache has let it go.")
            : new InvalidReturnException(InvalidReturnReason.AlreadyReturned, string.Create(CultureInfo.InvariantCulture, $"This {item.GetType()} is in cache '{cache}' already: thread {before.Thread} returned it at {before.When:O}\n{before.Stack}"));
    }

    /// <summary>The cache lets an object go.</summary>
    public void Forget(object item)
    {
        using (_lock.EnterScope())
        {
            _ = _entries.Remove(item);
        }
    }

    /// <summary>Now, this thread, and its stack without the library's own frames.</summary>
    private Entry Here(bool isOut) => new(isOut, Environment.CurrentManagedThreadId, time.GetUtcNow(), _stacks.Capture());

    private readonly record struct Entry(bool IsOut, int Thread, DateTimeOffset When, string? Stack);
}
