namespace Vmem.Leasing.Sessions;

/// <summary>Tasks that do not hold on to what flows with the calls of whoever starts them: the user of a request, a trace, a
/// scope.</summary>
internal static class DetachedTask
{
    /// <summary>Begins a task, on this thread up to its first wait.</summary>
    public static Task Start(Func<Task> work)
    {
        if (ExecutionContext.IsFlowSuppressed())
        {
            return work();
        }

        using (ExecutionContext.SuppressFlow())
        {
            return work();
        }
    }
}
