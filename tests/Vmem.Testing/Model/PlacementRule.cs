// Theory. A placement rule can be written as arithmetic that jumps to the first good address (fast, and wrong in two of the known
// implementations), or as a predicate
// that is asked about one address at a time. This is the predicate: four conditions, each a literal transcription of its definition, on
// integers wide enough that
// nothing here can wrap. Whatever the library computes must be an address for which this holds.
namespace Vmem.Testing.Model;

/// <summary>May a range lie at an address?</summary>
public static class PlacementRule
{
    /// <summary>Whether <c>[start, start + size)</c> satisfies the constraints.</summary>
    public static bool Holds(int start, int size, in ModelConstraints constraints, int quantum)
    {
        int align = constraints.Align == 0 ? quantum : constraints.Align;
        int last = start + size - 1;
        return start % align == constraints.Phase
            && start >= constraints.Min
            && (constraints.Max == 0 || last < constraints.Max)
            && (constraints.NoCross == 0 || start / constraints.NoCross == last / constraints.NoCross);
    }
}
