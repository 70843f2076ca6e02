namespace Vmem.Testing.Model;

// Several ranges for one request.
public sealed partial class ArenaModel
{
    /// <summary>The lengths of the fewest pieces of a total, the longest segment first; empty if there are none. Nothing is
    /// changed.</summary>
    public List<int> DividePieces(int total, int least, int most)
    {
        int left = RoundUp(total);
        int minimum = RoundUp(Math.Max(least, 1));
        List<int> sizes = [.. ScanSegments().Where(segment => segment.Kind == SegmentKind.Free).Select(segment => segment.Size)
            .OrderDescending()];
        List<int> pieces = [];
        for (int count = 1; count <= Math.Min(most, sizes.Count) && pieces.Count == 0; count++)
        {
            if (sizes.Take(count).Sum() < left || sizes[count - 1] < minimum || count * minimum > left)
            {
                continue;
            }

            for (int i = 0; i < count; i++)
            {
                int piece = Math.Min(sizes[i], left - ((count - 1 - i) * minimum));
                pieces.Add(piece);
                left -= piece;
            }
        }

        return pieces;
    }

    /// <summary>Whether so many ranges of one size would be had, one after the other; where the policy lays down which. Nothing is
    /// changed.</summary>
    public bool HasRoomForAll(int size, int count)
    {
        (int rotor, int lead, int owner) = (_rotor, _lead, _lastOwner);
        int[] freedAt = [.. _freedAt];
        List<int> taken = [];
        while (taken.Count < count && FindPlace(size, default, Policy) is { Kind: OutcomeKind.Done, Value: var start })
        {
            Occupy(start, size, Policy);
            taken.Add(start);
        }

        taken.ForEach(start => Vacate(start));
        (_rotor, _lead, _lastOwner) = (rotor, lead, owner);
        freedAt.CopyTo(_freedAt, 0);
        return taken.Count == count;
    }
}
