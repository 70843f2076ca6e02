using System.Runtime.CompilerServices;

namespace Vmem.Testing.Exploration;

/// <summary>A place in memory that threads share: a field or an item of an array. What it held lately is kept for loads that come
/// early.</summary>
internal abstract class Place
{
    private const int MostVersions = 4;           // arbitrary; each is one more way to go on

    private readonly List<(long Since, object? Value)> _versions = [];

    /// <summary>What it held, the newest last, and since when.</summary>
    public IReadOnlyList<(long Since, object? Value)> Versions => _versions;

    /// <summary>The array it lies in; null for a field.</summary>
    public virtual object? Array => null;

    /// <summary>A store arrives.</summary>
    public void Store(object? value, long now)
    {
        Write(value);
        if (_versions.Count == MostVersions)
        {
            _versions.RemoveAt(0);
        }

        _versions.Add((now, value));
    }

    protected void Begin() => _versions.Add((0, Load()));

    public abstract object? Load();

    protected abstract void Write(object? value);
}

internal sealed class FieldPlace<T> : Place
{
    private readonly StrongBox<T> _field;

    public FieldPlace(StrongBox<T> field)
    {
        _field = field;
        Begin();
    }

    public override object? Load() => _field.Value;

    protected override void Write(object? value) => _field.Value = (T)value!;
}

internal sealed class ItemPlace<T> : Place
{
    private readonly T[] _items;
    private readonly int _index;

    public ItemPlace(T[] items, int index)
    {
        _items = items;
        _index = index;
        Begin();
    }

    public override object? Array => _items;

    public override object? Load() => _items[_index];

    protected override void Write(object? value) => _items[_index] = (T)value!;
}
