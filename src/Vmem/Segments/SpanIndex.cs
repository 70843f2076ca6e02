using System.Numerics;

namespace Vmem.Segments;

/// <summary>The spans by address. Most arenas have one: a tree is made for the second.</summary>
internal struct SpanIndex<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private RangeTree<T, ByKey<T>>? _tree;        // all spans, if there is one
    private T _start;                             // else the only one
    private T _size;
    private uint _tag;                            // 0: there is none

    public readonly long Count => _tree?.Count ?? (_tag != 0 ? 1 : 0);

    public readonly T LargestSize => _tree is not null ? _tree.LargestValue : IsWhole ? T.MaxValue : _size;

    /// <summary>Whether the only span holds every value of the type: its size is 0.</summary>
    private readonly bool IsWhole => _tree is null && _tag != 0 && T.IsZero(_size);

    public readonly long Bytes => _tree?.Bytes ?? 0;

    /// <summary>Makes sure that the next <see cref="Add"/> needs no memory. Throws <see cref="OutOfMemoryException"/>, having changed
    /// nothing.</summary>
    public void Reserve()
    {
        if (_tree is null && _tag != 0)
        {
            RangeTree<T, ByKey<T>> tree = new();
            try
            {
                tree.Reserve(2);
            }
            catch
            {
                tree.Release();
                throw;
            }

            tree.Insert(_start, _size, _tag);
            this = new SpanIndex<T> { _tree = tree };
        }

        _tree?.Reserve(1);
    }

    public void Add(T start, T size, uint tag)
    {
        if (_tree is null)
        {
            (_start, _size, _tag) = (start, size, tag);
        }
        else
        {
            _tree.Insert(start, size, tag);
        }
    }

    public void Remove(T start, T size)
    {
        if (_tree is null)
        {
            (_size, _tag) = (T.Zero, 0);
        }
        else
        {
            _tree.Remove(start, size);
        }
    }

    /// <summary>A span is longer or shorter.</summary>
    public void Resize(T start, T size, T newSize, uint tag)
    {
        if (_tree is null)
        {
            _size = newSize;
        }
        else
        {
            _tree.Replace(start, size, start, newSize, tag);
        }
    }

    /// <summary>Two spans are one, under this tag.</summary>
    public readonly void Join(T start, T size, T middle, T rest, uint tag)
    {
        _tree!.Remove(middle, rest);
        _tree.Replace(start, size, start, size + rest, tag);
    }

    /// <summary>There is one span, which holds every value of the type.</summary>
    public void SetWhole(uint tag)
    {
        _tree?.Release();
        this = new SpanIndex<T> { _tag = tag };
    }

    /// <summary>The tag of a span has another number.</summary>
    public void Move(T start, T size, uint tag)
    {
        if (_tree is null)
        {
            _tag = tag;
        }
        else
        {
            _tree.Replace(start, size, start, size, tag);
        }
    }

    /// <summary>The last span that begins at or before a value; 0 if there is none.</summary>
    public readonly uint FindLast(T value, out T start, out T size)
    {
        if (_tree is null)
        {
            (start, size) = (_start, _size);
            return value >= _start ? _tag : 0;
        }

        bool isFound = _tree.TryFindLast(value, T.MaxValue, T.Zero, out RangeTree<T, ByKey<T>>.Cursor cursor);
        return Read(isFound, cursor, out start, out size);
    }

    /// <summary>The first span that begins at or after a value and is at least so long; 0 if there is none.</summary>
    public readonly uint FindFirst(T value, T least, out T start, out T size)
    {
        if (_tree is null)
        {
            (start, size) = (_start, _size);
            return value <= _start && (least <= _size || IsWhole) ? _tag : 0;
        }

        bool isFound = _tree.TryFindFirst(value, T.Zero, least, out RangeTree<T, ByKey<T>>.Cursor cursor);
        return Read(isFound, cursor, out start, out size);
    }

    /// <summary>Gives a tree back that is not needed any more.</summary>
    public void Shrink()
    {
        if (_tree is not { Count: <= 1 } tree)
        {
            return;
        }

        uint tag = FindFirst(T.Zero, T.Zero, out T start, out T size);
        this = new SpanIndex<T> { _start = start, _size = size, _tag = tag };
        tree.Release();
    }

    public void Release()
    {
        _tree?.Release();
        this = default;
    }

    /// <summary>Checks the tree and visits every span in the order of addresses.</summary>
    public readonly void Validate(Action<T, T, uint> visit)
    {
        if (_tree is not null)
        {
            _tree.Validate(visit);
        }
        else if (_tag != 0)
        {
            visit(_start, _size, _tag);
        }
    }

    private static uint Read(bool isFound, in RangeTree<T, ByKey<T>>.Cursor cursor, out T start, out T size)
    {
        start = isFound ? cursor.Key : default;
        size = isFound ? cursor.Value : default;
        return isFound ? cursor.Item : 0;
    }
}
