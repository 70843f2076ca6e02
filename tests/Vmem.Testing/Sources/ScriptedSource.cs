using System.Numerics;

namespace Vmem.Testing.Sources;

/// <summary>What a source answers to a request: null for "no", or a start and a length.</summary>
public delegate (T Start, T Size)? ImportAnswer<T>(T size, RangeConstraints<T> constraints)
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>;

/// <summary>A source that answers as its test says, good or bad, and keeps the books: what was asked, what is out, and whether anything
/// came back that was not given.</summary>
public sealed class ScriptedSource<T>(T quantum, ImportAnswer<T> answer) : IArenaSource<T>
    where T : unmanaged, IBinaryInteger<T>, IUnsignedNumber<T>, IMinMaxValue<T>
{
    private readonly Lock _lock = new();
    private readonly List<(T Start, T Size)> _outstanding = [];
    private readonly List<(T Size, RangeConstraints<T> Constraints)> _requests = [];

    public T Quantum { get; } = quantum;

    /// <summary>Set to change the answers midway.</summary>
    public ImportAnswer<T> Answer { get; set; } = answer;

    /// <summary>Called, outside any lock, when a range comes back.</summary>
    public Action<T, T>? OnRelease { get; set; }

    public int Imports { get; private set; }

    public int Releases { get; private set; }

    /// <summary>Releases of something that was not out, or not in that size.</summary>
    public int WrongReleases { get; private set; }

    /// <summary>A copy of what is out.</summary>
    public IReadOnlyList<(T Start, T Size)> Outstanding
    {
        get
        {
            lock (_lock)
            {
                return [.. _outstanding];
            }
        }
    }

    /// <summary>A copy of what was asked.</summary>
    public IReadOnlyList<(T Size, RangeConstraints<T> Constraints)> Requests
    {
        get
        {
            lock (_lock)
            {
                return [.. _requests];
            }
        }
    }

    public bool TryImport(T size, in RangeConstraints<T> constraints, out T start, out T imported)
    {
        lock (_lock)
        {
            _requests.Add((size, constraints));
        }

        (T Start, T Size)? given = Answer(size, constraints);
        (start, imported) = given ?? default;
        if (given is null)
        {
            return false;
        }

        lock (_lock)
        {
            Imports++;
            _outstanding.Add(given.Value);
        }

        return true;
    }

    /// <summary>What is out there is out no more, though nobody gave it back.</summary>
    public void Lose(T start, T size)
    {
        lock (_lock)
        {
            _ = _outstanding.Remove((start, size));
        }
    }

    public void Release(T start, T size)
    {
        lock (_lock)
        {
            Releases++;
            WrongReleases += _outstanding.Remove((start, size)) ? 0 : 1;
        }

        OnRelease?.Invoke(start, size);
    }
}
