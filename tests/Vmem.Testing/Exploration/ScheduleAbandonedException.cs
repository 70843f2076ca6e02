namespace Vmem.Testing.Exploration;

/// <summary>Takes a thread out of the code under test, after the schedule has failed.</summary>
public sealed class ScheduleAbandonedException : Exception
{
    public ScheduleAbandonedException()
        : base("The schedule has failed.")
    {
    }
}
