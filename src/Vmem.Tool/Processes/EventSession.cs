using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;

namespace Vmem.Tool.Processes;

/// <summary>A session that asks a running .NET program for events, over the diagnostic port that each has. The program is not
/// changed.</summary>
internal sealed class EventSession : IDisposable
{
    private readonly EventPipeSession _session;
    private readonly EventPipeEventSource _source;

    /// <param name="pid">The process.</param>
    /// <param name="provider">Whose events, and which.</param>
    /// <param name="bufferMegabytes">How much the program may keep for us while we are slow.</param>
    /// <exception cref="ProcessUnreachableException">There is no such process, or it is no .NET program of ours.</exception>
    public EventSession(int pid, EventPipeProvider provider, int bufferMegabytes)
    {
        try
        {
            _session = new DiagnosticsClient(pid).StartEventPipeSession([provider], requestRundown: false, bufferMegabytes);
        }
        catch (Exception fault) when (fault is ServerNotAvailableException
            or ServerErrorException
            or UnauthorizedAccessException
            or IOException)
        {
            throw new ProcessUnreachableException(pid, fault.Message);
        }

        _source = new EventPipeEventSource(_session.EventStream);
    }

    /// <summary>Hands every event of a provider on, until the session is stopped or the program ends. Blocks.</summary>
    public void Read(string provider, Action<TraceEvent> heed)
    {
        _source.Dynamic.All += each =>            // the reader of what events say of themselves: without it they have no names
        {
            if (each.ProviderName == provider)
            {
                heed(each);
            }
        };
        try
        {
            _ = _source.Process();
        }
        catch (Exception fault) when (fault is IOException or EndOfStreamException or FormatException)
        {
            // The program has ended in the middle of an event. What came before was handed on.
        }
    }

    /// <summary>Ends the session: <see cref="Read"/> returns when the last events have come. Callable by any thread.</summary>
    public void Stop()
    {
        try
        {
            _session.Stop();
        }
        catch (Exception fault) when (fault is ServerNotAvailableException or ServerErrorException or IOException or TimeoutException)
        {
            // The program has ended: so has the session.
        }
    }

    public void Dispose()
    {
        _source.Dispose();
        _session.Dispose();
    }
}
