using Vmem.Testing.Model;

namespace Vmem.Testing.Driving;

public partial interface IArenaUnderTest
{
    Outcome AllocateAt(int start, int size);

    Outcome AllocateAtMany(IReadOnlyList<(int Start, int Size)> ranges);

    /// <summary>The outcome's value is how much was taken.</summary>
    Outcome Reserve(int start, int size, List<(int Start, int Size)>? pieces);
}
