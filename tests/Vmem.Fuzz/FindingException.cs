namespace Vmem.Fuzz;

/// <summary>Something that must hold for every input does not.</summary>
internal sealed class FindingException(string message) : Exception(message)
{
    public static void Unless(bool holds, string message)
    {
        if (!holds)
        {
            throw new FindingException(message);
        }
    }
}
