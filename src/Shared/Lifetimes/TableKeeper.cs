using System.Runtime.InteropServices;

namespace Vmem.Lifetimes;

/// <summary>Gives native tables back when nobody can use them any more: no code, and no finaliser either.</summary>
/// <remarks>
/// <para>
/// Finalisers run in no order. If tables had one, a finaliser elsewhere that frees a range could run after it, and find the tables gone. So
/// they have none. This object has: it looks whether the tables' user still exists, by a handle that sees through finalisation, and if so,
/// comes again after another collection.
/// </para>
/// <para>
/// Rejected: a critical finaliser. It runs after the ordinary ones, but in no order with those of safe handles, which are the usual owners
/// of what an arena hands out. And a finaliser may revive an arena, or run a second time.
/// </para>
/// </remarks>
internal sealed class TableKeeper
{
    private readonly IDisposable _tables;
    private readonly GCHandle _user;

    /// <param name="user">Whoever uses the tables does so through this object, and keeps it alive meanwhile. It may refer to the tables,
    /// and they must not refer to it.</param>
    /// <param name="tables">Disposed of once. They are as well if this throws.</param>
    public TableKeeper(object user, IDisposable tables)
    {
        _tables = tables;
        try
        {
            _user = GCHandle.Alloc(user, GCHandleType.WeakTrackResurrection);
        }
        catch
        {
            GC.SuppressFinalize(this);
            tables.Dispose();
            throw;
        }
    }

    ~TableKeeper()
    {
        if (_user.Target is null)
        {
            Release();
        }
        else
        {
            GC.ReRegisterForFinalize(this);
        }
    }

    /// <summary>Gives the tables back now. Nobody uses them, or will. Called once.</summary>
    public void End()
    {
#pragma warning disable CA1816 // It is no Dispose: who calls it knows that the last user has gone.
        GC.SuppressFinalize(this);
#pragma warning restore CA1816
        Release();
    }

    private void Release()
    {
        _user.Free();
        _tables.Dispose();
    }
}
