using Xunit;

namespace Vmem.Memory.Tests.Heap.Debugging;

/// <summary>Long random sequences over several heaps: every block's bytes, sizes and figures are as the model says, and every mistake is
/// refused with the right reason.</summary>
public unsafe class DebuggedModelTests
{
    public static TheoryData<string, int> Runs =>
        [.. from name in DebugStrategies.Names from seed in Enumerable.Range(1, 3) select (name, seed)];

    [Theory]
    [MemberData(nameof(Runs))]
    public void A_heap_with_debugging_does_as_the_model(string strategy, int seed)
    {
        Random random = new(seed);
        NativeHeap[] heaps = [
            DebugStrategies.Make(strategy, limit: 32 << 20),
            DebugStrategies.Make(strategy, static debugging => debugging with { Quarantine = 50_000 }, limit: 32 << 20)
        ];
        Dictionary<nint, (int Size, byte Pattern)>[] models = [[], []];
        for (int step = 0; step < 3_000; step++)
        {
            int which = random.Next(2);
            NativeHeap heap = heaps[which];
            Dictionary<nint, (int Size, byte Pattern)> model = models[which];
            nint some = model.Count == 0 ? 0 : model.Keys.ElementAt(random.Next(model.Count));
            int size = random.Next(4) == 0 ? random.Next(1, 60_000) : random.Next(1, 300);
            switch (some == 0 ? 0 : random.Next(10))
            {
                case 0 or 1 or 2 or 3:
                    nuint alignment = (nuint)1 << random.Next(14);
                    byte* block = random.Next(2) == 0
                        ? (byte*)heap.AllocateAligned((nuint)size, alignment)
                        : (byte*)heap.AllocateZeroed((nuint)size);
                    Assert.True(model.TryAdd((nint)block, (size, (byte)step)));
                    new Span<byte>(block, size).Fill((byte)step);
                    break;
                case 4:
                    Check(some, model[some]);
                    int kept = Math.Min(size, model[some].Size);
                    byte pattern = model[some].Pattern;
                    nint moved = (nint)heap.Reallocate((void*)some, (nuint)size);
                    _ = model.Remove(some);
                    Check(moved, (kept, pattern));
                    new Span<byte>((void*)moved, size).Fill(pattern);
                    Assert.True(model.TryAdd(moved, (size, pattern)));
                    break;
                case 5:
                    nint inside = some + 1 + random.Next(model[some].Size + 8);
                    if (!model.ContainsKey(inside))
                    {
                        Assert.NotEqual(
                            InvalidFreeReason.Corrupted,
                            Assert.Throws<InvalidFreeException>(() => heap.Free((void*)inside)).Reason);
                    }

                    break;
                case 6:
                    NativeHeap other = heaps[1 - which];
                    Assert.Equal(InvalidFreeReason.OtherOwner, Assert.Throws<InvalidFreeException>(() => other.Free((void*)some)).Reason);
                    break;
                default:
                    Check(some, model[some]);
                    if (random.Next(2) == 0)
                    {
                        heap.Free((void*)some);
                    }
                    else
                    {
                        heap.Free((void*)some, (nuint)model[some].Size);
                    }

                    _ = model.Remove(some);
                    break;
            }

            if (step % 100 == 0)
            {
                CheckAll(heaps, models);
            }
        }

        CheckAll(heaps, models);
        for (int i = 0; i < 2; i++)
        {
            foreach ((nint block, (int Size, byte Pattern) value) in models[i])
            {
                Check(block, value);
                heaps[i].Free((void*)block);
            }

            heaps[i].Trim();
            Assert.Equal((nuint)0, heaps[i].GetStatistics().Held);
            heaps[i].Dispose();
        }
    }

    private static void CheckAll(NativeHeap[] heaps, Dictionary<nint, (int Size, byte Pattern)>[] models)
    {
        for (int i = 0; i < heaps.Length; i++)
        {
            heaps[i].Validate();
            NativeHeapStatistics statistics = heaps[i].GetStatistics();
            Assert.Equal((models[i].Count, (nuint)models[i].Values.Sum(value => value.Size)), (statistics.LiveBlocks, statistics.InUse));
            Assert.True(statistics.InUse + statistics.Quarantined <= statistics.Held);
            foreach ((nint block, (int Size, byte Pattern) value) in models[i])
            {
                Assert.Equal((nuint)value.Size, heaps[i].GetSize((void*)block));
                Check(block, value);
            }
        }
    }

    private static void Check(nint block, (int Size, byte Pattern) value) =>
        Assert.Equal(-1, new Span<byte>((void*)block, value.Size).IndexOfAnyExcept(value.Pattern));
}
