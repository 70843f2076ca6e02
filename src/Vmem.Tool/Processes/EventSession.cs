using System.Runtime.ExceptionServices;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;

namespace Vmem.Tool.Processes;

/// <summary>A session that asks a running .NET program for events, over the diagnostic port that each has. The program is not
/// changed.</summary>
internal sealed class EventSession : IDisposable
{
    /// <summary>How long a process may take to begin or to end a session. A stopped one takes for ever.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly EventPipeSession _session;
    private readonly EventPipeEventSource _source;

    /// <param name="pid">The process.</param>
    /// <param name="provider">Whose events, and which.</param>
    /// <param name="bufferMegabytes">How much the program may keep for us while we are slow.</param>
    /// <exception cref="ProcessUnreachableException">There is no such process, it is no .NET program of ours, or it does not
    /// answer.</exception>
    public EventSession(int pid, EventPipeProvider provider, int bufferMegabytes)
    {
        using CancellationTokenSource patience = new(s_patience);
        try
        {
            _session = new DiagnosticsClient(pid)
                .StartEventPipeSessionAsync([provider], requestRundown: false, bufferMegabytes, patience.Token).GetAwaiter().GetResult();
        }
        catch (OperationCanceledException)
        {
            throw new ProcessUnreachableException(pid, $"it did not answer within {s_patience.TotalSeconds} seconds: it may be stopped");
        }
        catch (Exception fault) when (fault is ServerNotAvailableException
            or ServerErrorException
            or UnauthorizedAccessException
            or TimeoutException
            or IOException)
        {
            throw new ProcessUnreachableException(pid, fault.Message);
        }

        try
        {
            _source = new EventPipeEventSource(_session.EventStream);
        }
        catch
        {
            _session.Dispose();
            throw;
        }
    }

    /// <summary>Hands every event of a provider on, until the session is stopped or the program ends. Blocks.</summary>
    /// <remarks>What the callback throws ends it and comes out of here, apart from what the stream of events throws.</remarks>
    public void Read(string provider, Action<TraceEvent> heed)
    {
        ExceptionDispatchInfo? thrown = null;
        _source.Dynamic.All += each =>            // the reader of what events say of themselves: without it they have no names
        {
            if (each.ProviderName != provider || thrown is not null)
            {
                return;
            }

            try
            {
                heed(each);
            }
            catch (Exception fault)
            {
                thrown = ExceptionDispatchInfo.Capture(fault);
                _ = Task.Run(Stop);               // it waits for the reader, and that is this thread
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

        thrown?.Throw();
    }

    /// <summary>Ends the session: <see cref="Read"/> returns when the last events have come. Callable by any thread.</summary>
    public void Stop()
    {
        using CancellationTokenSource patience = new(s_patience);
        try
        {
            _session.StopAsync(patience.Token).GetAwaiter().GetResult();
        }
        catch (Exception fault) when (fault is ServerNotAvailableException
            or ServerErrorException
            or IOException
            or TimeoutException
            or OperationCanceledException)
        {
            // The program has ended, and so has the session; or it is stopped, and nobody waits for it.
        }
    }

    public void Dispose()
    {
        _source.Dispose();
        _session.Dispose();
    }
}
