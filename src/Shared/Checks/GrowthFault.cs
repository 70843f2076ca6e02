namespace Vmem.Checks;

/// <summary>Makes the growth of an arena's tables fail, for the tests that show that nothing is lost then. Per thread, and looked at only
/// where a table grows.</summary>
internal static class GrowthFault
{
    [ThreadStatic]
    private static Func<bool>? t_fails;

    /// <summary>From now until the result is disposed, each growth on this thread asks whether it shall fail.</summary>
    public static IDisposable Inject(Func<bool> fails)
    {
        t_fails = fails;
        return new Injection();
    }

    public static void ThrowIfDue()
    {
        if (t_fails is not null && t_fails())
        {
            throw new InsufficientMemoryException("A test lets the growth of a table fail.");
        }
    }

    private sealed class Injection : IDisposable
    {
        public void Dispose() => t_fails = null;
    }
}
