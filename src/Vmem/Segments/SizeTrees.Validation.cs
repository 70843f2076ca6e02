using Vmem.Checks;

namespace Vmem.Segments;

// Checking that the trees tell the truth.
internal sealed unsafe partial class SizeTrees<T>
{
    /// <summary>Checks the trees and the counts of what <paramref name="covers"/> says is known. O(n).</summary>
    public void Validate(TagPool<T> tags, Func<uint, bool> covers)
    {
        Invariant.Hold(Grown == 0, "a size of many free segments has a tree", $"{Grown} units");
        uint[] counts = new uint[_sizes.Length];
        long large = 0;
        for (uint index = 1; index < tags.HighWater; index++)
        {
            Tag<T>* tag = tags.At(index);
            if (tag->Kind == TagKind.Free && covers(index))
            {
                large += IsLarge(SizeOf(tags, tag), out int units) ? 1 : 0;
                counts[units]++;
            }
        }

        counts[0] = 0;
        Invariant.Hold(large == _large.Count, "an index holds every free segment that it covers", $"{_large.Count} of {large} large ones");
        _large.Validate((size, start, index) => Check(tags, index, start, size));
        for (int units = 0; units < _sizes.Length; units++)
        {
            RangeTree<T, ByKeyAlone<T>>.Contents contents = _sizes[units];
            bool isRight = contents.IsTree ? contents.Count > Short || _early is not null : contents.Count <= Long;
            Invariant.Hold(contents.Count == counts[units] && isRight, "an index holds every free segment that it covers", $"{contents.Count} of {counts[units]}, {units} units");
            if (contents.IsTree)
            {
                int number = units;
                Select(units);
                _trees.Validate((start, _, index) =>
                {
                    T size = SizeOf(tags, tags.At(index));
                    Check(tags, index, start, size);
                    Invariant.Hold(!IsLarge(size, out int own) && own == number, "a tree holds free segments of one size", $"{size} at {start}");
                });
            }
        }
    }

    private static void Check(in TagPool<T> tags, uint index, T start, T size)
    {
        Tag<T>* tag = tags.At(index);
        bool matches = tag->Kind == TagKind.Free && tag->Start == start && SizeOf(tags, tag) == size;
        Invariant.Hold(matches, "an index tells the truth about free segments", $"entry ({size}, {start})");
    }

    private static T SizeOf(in TagPool<T> tags, Tag<T>* tag) => tags.At(tag->Next)->Start - tag->Start;
}
