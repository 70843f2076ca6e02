using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Runtime.InteropServices;

namespace Vmem.Diagnostics;

/// <summary>What the metrics keep of an arena, a heap or a pool: a weak reference, its tags, and the last measurements.</summary>
/// <remarks>
/// A <see cref="Measurement{T}"/> copies its tags to the heap, 40 bytes for one. So the last one of each figure is kept, and serves again
/// while its value is the same; an arena that rests is collected without garbage. Rejected: an instrument for each arena, with the name as
/// the instrument's tag. It needs a meter for each, to be able to end it, and every arena would pay for that.
/// </remarks>
internal sealed class MeteredEntry(MeteredKind kind, IMetered subject)
{
    private WeakGCHandle<IMetered> _subject = new(subject); // not WeakReference, whose finaliser every arena would pay for
    private KeyValuePair<string, object?>[]? _tags;
    private Measurement<long>[]? _last;           // null until the first collection: most are never measured

    /// <summary>Where the registry keeps this.</summary>
    public int Place { get; set; }

    /// <summary>The name and number under which it is measured; null if it never was.</summary>
    public (string Name, int Instance)? Identity { get; private set; }

    /// <summary>Lets go of what is measured. Whoever keeps this must not use it any more.</summary>
    public void Release() => _subject.Dispose();

    public bool IsAlive => _subject.TryGetTarget(out _);

    public bool TryGetSubject([NotNullWhen(true)] out IMetered? subject) => _subject.TryGetTarget(out subject);

    /// <summary>Makes a measurement of a figure that was read. The registry's lock is held.</summary>
    public Measurement<long> Note(string name, int figure, long value, HashSet<(string Name, int Instance)> identities)
    {
        _tags ??= Identify(name, identities);
        _last ??= new Measurement<long>[kind.Figures];
        ref Measurement<long> last = ref _last[figure];
        if (figure >= kind.Levels)
        {
            value = Math.Max(value, last.Value);  // two collections may overtake each other; a count must not go back
        }

        if (last.Value != value || last.Tags.IsEmpty)
        {
            last = new Measurement<long>(value, _tags);
        }

        return last;
    }

    private KeyValuePair<string, object?>[] Identify(string name, HashSet<(string Name, int Instance)> identities)
    {
        int instance = 1;
        while (!identities.Add((name, instance)))
        {
            instance++;
        }

        Identity = (name, instance);
        KeyValuePair<string, object?> nameTag = new(kind.NameTag, name);
        return instance == 1 ? [nameTag] : [nameTag, new(kind.InstanceTag, instance.ToString(CultureInfo.InvariantCulture))];
    }
}
