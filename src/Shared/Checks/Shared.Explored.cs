#if DEBUG
using System.Runtime.CompilerServices;

namespace Vmem.Checks;

// In Debug builds: as in Release, unless an explorer drives the thread.
internal partial struct Shared<T>
{
    public T Read([CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Exploration.Current is { } exploration ? exploration.Read(Box(), acquire: false, (member, file, line))
            : _box is null ? _value : _box.Value!;

    public void Write(T value, [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        if (Exploration.Current is { } exploration)
        {
            exploration.Write(Box(), value, release: false, (member, file, line));
        }
        else if (_box is null)
        {
            _value = value;
        }
        else
        {
            _box.Value = value;
        }
    }

    public readonly T Peek() => _box is null ? _value : Exploration.Current is { } exploration ? exploration.Peek(_box) : _box.Value!;

    public T VolatileRead([CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Exploration.Current is { } exploration ? exploration.Read(Box(), acquire: true, (member, file, line))
            : _box is null ? LoadAcquire() : _box.Value!;

    public void VolatileWrite(T value, [CallerMemberName] string member = "", [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0)
    {
        if (Exploration.Current is { } exploration)
        {
            exploration.Write(Box(), value, release: true, (member, file, line));
        }
        else if (_box is null)
        {
            StoreRelease(value);
        }
        else
        {
            _box.Value = value;
        }
    }

    public T Exchange(T value, [CallerMemberName] string member = "", [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Exploration.Current is { } exploration ? exploration.Exchange(Box(), value, (member, file, line))
            : Interlocked.Exchange(ref _box is null ? ref _value : ref _box.Value!, value);

    public T CompareExchange(T value, T comparand, [CallerMemberName] string member = "", [CallerFilePath] string file = "",
        [CallerLineNumber] int line = 0) =>
        Exploration.Current is { } exploration ? exploration.CompareExchange(Box(), value, comparand, (member, file, line))
            : Interlocked.CompareExchange(ref _box is null ? ref _value : ref _box.Value!, value, comparand);

    // Volatile has no overload for any T. A barrier orders more; real threads meet the true order in Release.
    private readonly T LoadAcquire()
    {
        T value = _value;
        Interlocked.MemoryBarrier();
        return value;
    }

    private void StoreRelease(T value)
    {
        Interlocked.MemoryBarrier();
        _value = value;
    }

    private StrongBox<T> Box() => _box ??= new StrongBox<T>(_value);
}
#endif
