namespace Vmem.Testing.Model;

// Next fit: a request for one quantum goes on at the rotor, which passes over nothing that is free; any other goes on at the lead.
public sealed partial class ArenaModel
{
    private int _rotor;
    private int _lead;

    private bool IsPlain(in ModelConstraints constraints) =>
        constraints.Align <= Quantum && constraints with { Align = 0 } == default;

    private void NoteNext(int start, int size, in ModelConstraints constraints)
    {
        int end = (start + size) % Top;
        if (!IsPlain(constraints))
        {
            _lead = IsClaim(constraints, size) ? _lead : end;
        }
        else if (size == Quantum)
        {
            bool isOvertaken = AheadOfRotor(_lead) < (end == _rotor ? Top : AheadOfRotor(end));
            (_rotor, _lead) = (end, isOvertaken ? end : _lead);
        }
        else
        {
            bool isFree = false;
            for (int value = _rotor; value != start && !isFree; value = value + Quantum < Top ? value + Quantum : 0)
            {
                isFree = OwnerOf(value) == Nobody && !Drains(value);
            }

            (_rotor, _lead) = (isFree ? _rotor : end, end);
        }
    }

    private int AheadOfRotor(int value) => (value - _rotor + Top) % Top;

    /// <summary>Whether the window leaves no choice. Without a bound it reaches to the end of the type, which may lie beyond the
    /// model's.</summary>
    private bool IsClaim(in ModelConstraints constraints, int size) =>
        (constraints.Min > 0 || Top - 1 == _maxAmount) && (constraints.Max == 0 ? Top : constraints.Max) - constraints.Min == size;
}
