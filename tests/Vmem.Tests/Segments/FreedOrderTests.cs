using Vmem.Segments;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Tests.Segments;

/// <summary>The pieces of what was freed, against a list of them.</summary>
public sealed class FreedOrderTests
{
    private const int Units = 400;

    private readonly FreedOrder<uint> _order = new();
    private readonly List<(int Start, int Size)> _pieces = [];      // the oldest first

    [Fact]
    public void Pieces_keep_their_turn_whatever_is_cut_out_of_them()
    {
        SeededRandom random = new(1);
        for (int step = 0; step < 3_000; step++)
        {
            int start = random.Below(Units);
            int size = 1 + random.Below(Math.Min(Units - start, random.Below(10) == 0 ? 200 : 12));
            if (random.Below(3) > 0 && !_pieces.Exists(piece => Touch(piece, start, size)))
            {
                Free(start, size, asOldest: random.Below(5) == 0);
            }
            else
            {
                Take(start, size);
            }

            Check(random.Below(Units), 1 + random.Below(20));
        }

        _order.Release();
        Assert.Equal((0L, 0u), (_order.Bytes, _order.Oldest));
    }

    [Fact]
    public void What_a_cut_leaves_behind_knows_the_segment_too()
    {
        Free(10, 30, asOldest: false);
        Take(20, 5);
        Assert.Equal(new (int, int)[] { (10, 10), (25, 15) }, _pieces.ToArray());
        Assert.Equal((11u, 11u), (_order.HintOf(_order.Oldest), _order.HintOf(_order.Following(_order.Oldest))));
        _order.Release();
    }

    [Fact]
    public void It_is_idle_after_as_many_changes_as_it_has_pieces_and_some()
    {
        Assert.False(_order.IsIdle);
        for (int piece = 0; piece < 100; piece++)
        {
            Free(2 * piece, 1, asOldest: false);
        }

        Assert.True(_order.IsIdle);
        _order.NoteAsked();
        for (int change = 0; change < StepwiseBuild.LeastPatience + 100; change++)
        {
            Assert.False(_order.IsIdle);
            _order.Take(399, 1);
        }

        Assert.False(_order.IsIdle);
        _order.Take(399, 1);
        Assert.True(_order.IsIdle);
        _order.Release();
    }

    [Fact]
    public void At_the_top_of_the_type_the_last_value_counts()
    {
        _order.Reserve(3);
        _order.Free(uint.MaxValue - 9, 10, 1);
        Assert.True(_order.IsKnown(uint.MaxValue, out uint last));
        Assert.Equal(uint.MaxValue, last);
        _order.Take(uint.MaxValue - 4, 5);
        Assert.False(_order.Touches(uint.MaxValue - 4, 5));
        Assert.True(_order.Touches(uint.MaxValue - 5, 1));
        _order.Take(0, 1);
        Assert.Equal(5u, Assert.Single(_order.ToList()).Size);
        _order.Release();
    }

    /// <summary>The nodes of the tree come by four, and pieces of 16 bytes by eight; the first of each is never used.</summary>
    [Fact]
    public unsafe void It_takes_no_more_memory_than_pieces_need()
    {
        _order.Reserve(7);
        long bytes = (4 * sizeof(RangeTree<uint, ByStart<uint>>.Node)) + (8 * 16);
        Assert.Equal(bytes, _order.Bytes);
        Assert.Equal((true, false), (_order.HasReserved(7), _order.HasReserved(8)));
        for (int round = 0; round < 500; round++)
        {
            Free(round % 7, 1, asOldest: false);
            Take(round % 7, 1);
        }

        Assert.Equal((bytes, 0u), (_order.Bytes, _order.Oldest));
        _order.Release();
    }

    [Fact]
    public void What_is_known_is_said_once()
    {
        Assert.Equal((true, 0u), (_order.HasUnknown, _order.UnknownFrom));
        _order.KnowBelow(17);
        Assert.Equal((true, 17u), (_order.HasUnknown, _order.UnknownFrom));
        _order.KnowAll();
        Assert.False(_order.HasUnknown);
        _order.Release();
    }

    private void Free(int start, int size, bool asOldest)
    {
        _order.Reserve(2);
        Assert.True(_order.HasReserved(2));
        _order.AsOldest = asOldest;
        _order.Free((uint)start, (uint)size, (uint)start + 1);
        _pieces.Insert(asOldest ? 0 : _pieces.Count, (start, size));
    }

    private void Take(int start, int size)
    {
        _order.Reserve(2);
        _order.Take((uint)start, (uint)size);
        int end = start + size;
        for (int i = 0; i < _pieces.Count; i++)
        {
            (int first, int behind) = (_pieces[i].Start, _pieces[i].Start + _pieces[i].Size);
            if (!Touch(_pieces[i], start, size))
            {
                continue;
            }

            _pieces.RemoveAt(i);
            (int Start, int Size)[] left = [(first, start - first), (end, behind - end)];
            left = [.. left.Where(piece => piece.Size > 0)];
            _pieces.InsertRange(i, left);
            i += left.Length - 1;
        }
    }

    private void Check(int start, int size)
    {
        Assert.Equal(_pieces, _order.ToList().Select(piece => ((int)piece.Start, (int)piece.Size)));
        Assert.Equal(_pieces.Exists(piece => Touch(piece, start, size)), _order.Touches((uint)start, (uint)size));
        (int Start, int Size) holder = _pieces.Find(piece => Touch(piece, start, 1));
        Assert.Equal(holder.Size > 0, _order.IsKnown((uint)start, out uint last));
        Assert.Equal(holder.Size > 0 ? (uint)(holder.Start + holder.Size - 1) : 0, last);
        _order.Validate((_, _) => true);
    }

    private static bool Touch((int Start, int Size) piece, int start, int size) =>
        piece.Start < start + size && piece.Start + piece.Size > start;
}
