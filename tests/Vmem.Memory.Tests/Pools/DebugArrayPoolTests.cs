using System.Buffers;
using System.Runtime.CompilerServices;
using Xunit;

namespace Vmem.Memory.Tests.Pools;

/// <summary>Each mistake with a pooled array is found, with its story; and what is right is never taken for one.</summary>
public class DebugArrayPoolTests
{
    private static readonly DebugArrayPoolOptions s_restless = new() { Name = "test", Quarantine = 0 };

    [Theory]
    [InlineData(1, 16)]
    [InlineData(16, 16)]
    [InlineData(17, 32)]
    [InlineData(1_000, 1_024)]
    public void Lengths_are_as_of_the_shared_pool(int minimum, int length)
    {
        DebugArrayPool<byte> pool = new();
        byte[] array = pool.Rent(minimum);
        Assert.Equal(length, array.Length);
        Assert.Equal(ArrayPool<byte>.Shared.Rent(minimum).Length, array.Length);
        Assert.Equal(-1, array.AsSpan().IndexOfAnyExcept((byte)0xCD));
        pool.Return(array);
        Assert.Equal(-1, array.AsSpan().IndexOfAnyExcept((byte)0xDD));
        Assert.Empty(pool.Rent(0));
        pool.Return([]);
        Assert.Throws<ArgumentOutOfRangeException>(() => pool.Rent(-1));
        Assert.Throws<ArgumentNullException>(() => pool.Return(null!));
    }

    [Fact]
    public void A_second_return_names_both_and_the_renter()
    {
        DebugArrayPool<int> pool = new(s_restless);
        int[] array = RentHere(pool);
        ReturnHere(pool, array);
        ArrayMisuse misuse = Assert.Throws<ArrayMisuseException>(() => pool.Return(array)).Misuse;
        Assert.Equal(("test", ArrayMisuseKind.ReturnedTwice, 128), (misuse.PoolName, misuse.Kind, misuse.Length));
        Assert.Contains(nameof(RentHere), misuse.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(ReturnHere), misuse.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(A_second_return_names_both_and_the_renter), misuse.Message, StringComparison.Ordinal);
        Assert.Equal((1, 1, 0), (pool.GetStatistics().ReturnedTwice, pool.GetStatistics().Kept, pool.GetStatistics().Outstanding));
    }

    [Fact]
    public void A_foreign_array_is_refused()
    {
        DebugArrayPool<int> pool = new();
        Assert.Equal(ArrayMisuseKind.Foreign, Assert.Throws<ArrayMisuseException>(() => pool.Return(new int[16])).Misuse.Kind);
        Assert.Equal(new DebugArrayPoolStatistics { Foreign = 1 }, pool.GetStatistics());
    }

    /// <summary>Found when it is to be rented, when its rest ends, and by a check.</summary>
    [Fact]
    public void A_write_after_the_return_is_found_by_the_next_rent()
    {
        DebugArrayPool<int> pool = new(s_restless);
        int[] array = RentHere(pool);
        ReturnHere(pool, array);
        array[7] = 1;
        ArrayMisuse misuse = Assert.Throws<ArrayMisuseException>(() => pool.Rent(100)).Misuse;
        Assert.Equal((ArrayMisuseKind.UsedAfterReturn, 7), (misuse.Kind, misuse.Index));
        Assert.Contains(nameof(RentHere), misuse.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(ReturnHere), misuse.Message, StringComparison.Ordinal);
        Assert.NotSame(array, pool.Rent(100));
        Assert.Equal((1, 0), (pool.GetStatistics().UsedAfterReturn, pool.GetStatistics().Kept));
    }

    [Fact]
    public void A_write_after_the_return_is_found_by_a_later_return()
    {
        DebugArrayPool<int> pool = new(s_restless with { Quarantine = 1 });
        int[] first = pool.Rent(100);
        int[] second = pool.Rent(100);
        pool.Return(first);
        first[0] = 1;
        Assert.Equal(128, Assert.Throws<ArrayMisuseException>(() => pool.Return(second)).Misuse.Length);
        Assert.Equal((0, 1), (pool.GetStatistics().Outstanding, pool.GetStatistics().Kept));       // the second was returned
    }

    [Fact]
    public void A_write_after_the_return_is_found_by_a_check()
    {
        List<ArrayMisuse> found = [];
        DebugArrayPool<string?> pool = new(new DebugArrayPoolOptions { Found = found.Add });
        string?[][] arrays = [.. Enumerable.Range(0, 5).Select(_ => pool.Rent(20))];
        Assert.All(arrays, static array => Assert.All(array, Assert.Null));
        Array.ForEach(arrays, static array => array[1] = "of the renter");
        Array.ForEach(arrays, array => pool.Return(array));
        Assert.All(arrays, static array => Assert.Null(array[1]));
        pool.Check();
        Assert.Empty(found);
        arrays[2][31] = "late";
        arrays[4][0] = "late";
        pool.Check();
        Assert.Equal([31, 0], found.Select(static misuse => misuse.Index));
        Assert.Equal((3, 2), (pool.GetStatistics().Kept, pool.GetStatistics().UsedAfterReturn));
    }

    [Fact]
    public void An_array_that_was_never_returned_is_told_of()
    {
        List<ArrayMisuse> found = [];
        DebugArrayPool<byte> pool = new(new DebugArrayPoolOptions { Found = found.Add });
        byte[] kept = pool.Rent(100);
        ReturnHere(pool, pool.Rent(200));
        Lose(pool);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        ArrayMisuse misuse = Assert.Single(found);
        Assert.Equal((ArrayMisuseKind.NeverReturned, 512), (misuse.Kind, misuse.Length));
        Assert.Contains(nameof(Lose), misuse.Message, StringComparison.Ordinal);
        ArrayRental rental = Assert.Single(pool.GetRentals());
        Assert.Equal(kept.Length, rental.Length);
        Assert.Contains(nameof(An_array_that_was_never_returned_is_told_of), rental.ToString(), StringComparison.Ordinal);
        GC.KeepAlive(kept);
    }

    [Fact]
    public void An_array_comes_back_only_after_it_has_rested()
    {
        DebugArrayPool<byte> pool = new(new DebugArrayPoolOptions { Quarantine = 3 });
        byte[] first = pool.Rent(16);
        pool.Return(first);
        for (int i = 0; i < 3; i++)
        {
            byte[] other = pool.Rent(16);
            Assert.NotSame(first, other);
            pool.Return(other);
        }

        Assert.Same(first, pool.Rent(16));
    }

    /// <summary>Threads that do nothing wrong are never told that they did.</summary>
    [Fact]
    public async Task Right_use_by_many_threads_finds_nothing()
    {
        DebugArrayPool<int> pool = new(s_restless with { Stacks = false, Quarantine = 5 });
        Task[] workers = [.. Enumerable.Range(1, 4).Select(worker => Task.Run(() =>
        {
            for (int i = 0; i < 3_000; i++)
            {
                int[] array = pool.Rent(1 + (i % 200));
                Array.Fill(array, worker);
                Assert.Equal(-1, array.AsSpan().IndexOfAnyExcept(worker));
                pool.Return(array);
                if (i % 100 == 0)
                {
                    pool.Check();
                }
            }
        }, TestContext.Current.CancellationToken))];
        await Task.WhenAll(workers);
        DebugArrayPoolStatistics statistics = pool.GetStatistics();
        Assert.Equal(new DebugArrayPoolStatistics { Rents = 12_000, Kept = statistics.Kept }, statistics);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int[] RentHere(DebugArrayPool<int> pool) => pool.Rent(100);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void ReturnHere<T>(DebugArrayPool<T> pool, T[] array) => pool.Return(array);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Lose(DebugArrayPool<byte> pool) => pool.Rent(500).AsSpan().Clear();

    /// <summary>A check after each test of a suite: what was ready stays ready.</summary>
    [Fact]
    public void Checks_make_the_pool_no_larger()
    {
        DebugArrayPool<int> pool = new(new DebugArrayPoolOptions { Quarantine = 4 });
        long kept = 0;
        for (int round = 0; round < 20; round++)
        {
            int[][] arrays = [.. Enumerable.Range(0, 8).Select(_ => pool.Rent(100))];
            Array.ForEach(arrays, array => pool.Return(array));
            pool.Check();
            kept = round == 2 ? pool.GetStatistics().Kept : kept;
        }

        Assert.Equal(kept, pool.GetStatistics().Kept);
    }
}
