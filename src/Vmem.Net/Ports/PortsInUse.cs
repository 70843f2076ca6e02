using System.Runtime.ExceptionServices;

namespace Vmem.Net.Ports;

/// <summary>The ports that one call has found in use. They stay allocated while it searches, and are set aside when it ends or begins to
/// wait.</summary>
/// <remarks>So a search finds each port once, and ends. Rejected: setting each aside at once. Where checks are slow, the rests of the first
/// end before the search has passed the last, and first fit finds those again for ever.</remarks>
internal sealed class PortsInUse(Arena<ushort> arena, TimeSpan recheckAfter) : IDisposable
{
    private readonly List<ushort> _ports = [];

    public void Add(ushort port)
    {
        try
        {
            _ports.Add(port);
        }
        catch
        {
            SetAside(port);                                    // there is no memory for the list
            throw;
        }
    }

    public void Dispose() => SetAside();

    /// <summary>Sets all aside, whatever is thrown for one of them; then throws the first.</summary>
    public void SetAside()
    {
        ExceptionDispatchInfo? first = null;
        foreach (ushort port in _ports)
        {
            try
            {
                SetAside(port);
            }
            catch (Exception e)
            {
                first ??= ExceptionDispatchInfo.Capture(e);
            }
        }

        _ports.Clear();
        first?.Throw();
    }

    private void SetAside(ushort port)
    {
        try
        {
            arena.FreeAfter(port, 1, recheckAfter);
        }
        catch (InvalidFreeException)
        {
            // The source has lost it meanwhile, and may have given it again: it is not this call's to set aside.
        }
        catch (OutOfMemoryException)
        {
            arena.FreeAfter(port, 1, TimeSpan.Zero);           // needs no memory; the next call tries it again
            throw;
        }
    }
}
