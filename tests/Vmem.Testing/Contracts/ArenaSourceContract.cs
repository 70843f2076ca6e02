using Xunit;

namespace Vmem.Testing.Contracts;

/// <summary>What every <see cref="IArenaSource{T}"/> must do. A source's tests inherit this and say how to make one.</summary>
public abstract class ArenaSourceContract
{
    /// <summary>A fresh source that can give at least 16 imports of 16 quanta each, and not more than 1,000 of them.</summary>
    protected abstract IArenaSource<ulong> CreateSource();

    [Fact]
    public void The_quantum_is_not_0() => Assert.NotEqual(0ul, CreateSource().Quantum);

    [Fact]
    public void An_import_is_long_enough_and_whole_quanta()
    {
        IArenaSource<ulong> source = CreateSource();
        ulong quantum = source.Quantum;
        for (ulong size = quantum; size <= 16 * quantum; size += quantum)
        {
            Assert.True(source.TryImport(size, default, out ulong start, out ulong imported));
            Assert.True(imported >= size);
            Assert.Equal(0ul, start % quantum);
            Assert.Equal(0ul, imported % quantum);
            source.Release(start, imported);
        }
    }

    [Fact]
    public void Imports_never_overlap()
    {
        IArenaSource<ulong> source = CreateSource();
        List<(ulong Start, ulong Size)> imports = ImportUntilRefused(source, 16);
        Assert.True(imports.Count >= 16);
        imports.Sort();
        for (int i = 1; i < imports.Count; i++)
        {
            Assert.True(imports[i].Start - imports[i - 1].Start >= imports[i - 1].Size);
        }

        imports.ForEach(range => source.Release(range.Start, range.Size));
    }

    [Fact]
    public void What_was_released_can_be_imported_again()
    {
        IArenaSource<ulong> source = CreateSource();
        int first = 0;
        for (int round = 0; round < 3; round++)
        {
            List<(ulong Start, ulong Size)> imports = ImportUntilRefused(source, 16);
            first = round == 0 ? imports.Count : first;
            Assert.Equal(first, imports.Count);
            imports.ForEach(range => source.Release(range.Start, range.Size));
        }
    }

    [Fact]
    public void Constraints_are_honoured_or_refused()
    {
        IArenaSource<ulong> source = CreateSource();
        ulong quantum = source.Quantum;
        RangeConstraints<ulong>[] cases =
        [
            new() { Align = 8 * quantum },
            new() { Align = 8 * quantum, Phase = 3 * quantum },
            new() { NoCross = 16 * quantum },
            new() { Min = 100 * quantum, Max = 200 * quantum },
            new() { Align = 4 * quantum, NoCross = 32 * quantum, Min = 40 * quantum, Max = ulong.MaxValue },
        ];
        foreach (RangeConstraints<ulong> constraints in cases)
        {
            if (source.TryImport(5 * quantum, constraints, out ulong start, out ulong imported))
            {
                ulong align = constraints.Align == 0 ? quantum : constraints.Align;
                ulong last = start + imported - 1;
                Assert.Equal(constraints.Phase, start % align);
                Assert.True(start >= constraints.Min);
                Assert.True(constraints.Max == 0 || last < constraints.Max);
                Assert.True(constraints.NoCross == 0 || start / constraints.NoCross == last / constraints.NoCross);
                source.Release(start, imported);
            }
        }
    }

    [Fact]
    public void A_request_beyond_all_capacity_is_refused_and_harms_nothing()
    {
        IArenaSource<ulong> source = CreateSource();
        Assert.False(source.TryImport((ulong.MaxValue / 2) + 1, default, out _, out _));
        Assert.True(source.TryImport(source.Quantum, default, out ulong start, out ulong imported));
        source.Release(start, imported);
    }

    private static List<(ulong Start, ulong Size)> ImportUntilRefused(IArenaSource<ulong> source, ulong quanta)
    {
        List<(ulong Start, ulong Size)> imports = [];
        while (source.TryImport(quanta * source.Quantum, default, out ulong start, out ulong imported))
        {
            imports.Add((start, imported));
            Assert.True(imports.Count <= 1_000, "The source never ends.");
        }

        return imports;
    }
}
