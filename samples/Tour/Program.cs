// A tour of everything that is public, one area after the other: each is used, what it gave is checked, and a pair of its operations is
// timed. The tests publish this program trimmed and ahead of time, and run it. `dotnet run -c Release --project samples/Tour` prints the
// JIT's figures.

using System.Buffers;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text;
using Microsoft.Extensions.ObjectPool;
using Vmem;
using Vmem.Diagnostics;
using Vmem.Extensions.ObjectPool;
using Vmem.Memory;

Console.WriteLine($"{RuntimeFeature.IsDynamicCodeCompiled switch { true => "JIT", false => "ahead of time" }}, ns a pair");

using (var arena = new Arena<ulong>("tour", start: 0, size: 1 << 30, quantum: 16))
{
    foreach (FitPolicy policy in Enum.GetValues<FitPolicy>())
    {
        Time($"Arena, {policy}", () => arena.Free(arena.Allocate(100, policy), 100));
    }

    var constraints = new RangeConstraints<ulong> { Align = 4_096, Min = 1 << 20 };
    Time("Arena, constrained", () => arena.Free(arena.AllocateConstrained(100, constraints), 100));
    Time("Arena, by handle", () =>
    {
        Check(arena.TryAllocateHandle(100, out RangeHandle<ulong> handle));
        arena.Free(handle);
    });

    ulong[] starts = new ulong[100];
    Time("Arena, 100 at once", () =>
    {
        Check(arena.TryAllocateMany(64, starts) == starts.Length);
        arena.FreeMany(starts, 64);
    });

    ulong kept = arena.Allocate(1_000);
    Check(arena.TryExtend(kept, 1_000, 2_000) && arena.TryGetSegment(kept, out Segment<ulong> segment) && segment.Size == 2_000);
    Check(!arena.Explain(1UL << 40).Fits && arena.GetStatistics().LiveSegments == 1 && arena.GetSegments().Any());
    using Arena<ulong> restored = Arena<ulong>.Restore(ArenaSnapshot<ulong>.FromJson(arena.Snapshot().ToJson()));
    restored.Free(kept, 2_000);
    restored.Dump(TextWriter.Null);
    restored.Validate();
    Check(Refused(() => arena.Free(kept + 16, 16)) is InvalidFreeException { Reason: InvalidFreeReason.InteriorAddress });
    Check(Refused(() => arena.Allocate(1UL << 40)) is ArenaExhaustedException { Failure: FitFailure.LargerThanAnySpan });
}

using (var cached = new Arena<uint>("cached", 0, 1 << 20, 1, new() { QuantumCacheMax = 8 }))
{
    Time("Arena, quantum caches", () => cached.Free(cached.Allocate(3), 3));
    Check(cached.Reap() > 0);
}

using (var addresses = new Arena<UInt128>("addresses", (UInt128)0x20010DB8 << 96, UInt128.One << 96, (UInt128)1 << 64))
{
    Time("Arena, UInt128", () => addresses.Free(addresses.Allocate((UInt128)1 << 80), (UInt128)1 << 80));
}

using (var source = new Arena<nuint>("source", 0, 1 << 20, 4_096))
using (var importer = new Arena<nuint>("importer", 16, new() { Source = source, Leaked = leak => Check(leak.Size == 16) }))
{
    Time("Arena, importing", () => importer.Free(importer.Allocate(100), 100));
    importer.Allocate(16);
}

using (var slots = new Arena<ushort>("slots", 0, 1, 1))
{
    ushort slot = slots.Allocate(1);
    Check(!slots.TryAllocate(1, TimeSpan.Zero, out _));
    ValueTask<ushort> waiting = slots.AllocateAsync(1);
    slots.Free(slot, 1);
    Check(await waiting == slot);
}

using (var audited = new Arena<uint>("audited", 0, 1_000, 1, new() { Audit = true }))
{
    uint leaked = AllocateForTheAudit(audited);
    string[] frames = [
        .. audited.GetAuditReport().ToString().Split('\n').Where(line => line.TrimStart().StartsWith("at ", StringComparison.Ordinal))
    ];
    Check(frames.Length > 0 && frames[0].Contains(nameof(AllocateForTheAudit), StringComparison.Ordinal));
    Check(!frames.Any(frame => frame.Contains("Vmem.Arena", StringComparison.Ordinal) || frame.Contains("Vmem.Audit", StringComparison.Ordinal)));
    audited.Free(leaked, 1);
}

var measured = new HashSet<string>();
using (var listener = new MeterListener { InstrumentPublished = (instrument, self) => self.EnableMeasurementEvents(instrument) })
using (var metered = new Arena<uint>("metered", 0, 1_000, 1))
using (var heap = new NativeHeap(new() { Name = "metered" }))
{
    listener.SetMeasurementEventCallback<long>((instrument, _, _, _) => measured.Add(instrument.Name));
    listener.Start();
    listener.RecordObservableInstruments();
    Check(measured.Contains(ArenaMetrics.InUse) && measured.Contains(MemoryMetrics.InUse));
}

var buddy = new BuddyAllocator<uint>(0, 1 << 20, 16, 1 << 20);
Time("BuddyAllocator", () => buddy.Free(buddy.Allocate(100)));
buddy.Validate();

using (var builders = new ObjectCache<StringBuilder>("builders", () => new StringBuilder()))
{
    Time("ObjectCache", () => builders.Return(builders.Rent()));
}

using (var pool = new ObjectCachePool<StringBuilder>(new StringBuilderPooledObjectPolicy()))
{
    Time("ObjectCachePool", () => pool.Return(pool.Get()));
}

using (var heap = new NativeHeap())
{
    unsafe
    {
        Time("NativeHeap, 64 bytes", () => heap.Free(heap.Allocate(64)));
        Time("NativeHeap, 1 MiB", () => heap.Free(heap.Allocate(1 << 20)));
        void* block = heap.Reallocate(heap.AllocateZeroed(100), 10_000);
        Check(((byte*)block)[99] == 0 && heap.Owns(block) && heap.GetSize(block) >= 10_000);
        heap.Free(block);
    }

    using var pool = new NativeMemoryPool<byte>(heap);
    Time("NativeMemoryPool", () => pool.Rent(4_096).Dispose());
    using var writer = new NativeBufferWriter(heap);
    writer.Write("tour"u8);
    Check(writer.WrittenCount == 4);
    heap.Validate();
    heap.Trim();
}

using (var heap = new NativeHeap(new() { Debugging = HeapDebugging.Default }))
{
    unsafe
    {
        byte* block = (byte*)heap.Allocate(10);
        byte behind = block[10];
        block[10] ^= 1;
        Check(Refused(() => heap.Free(block)) is InvalidFreeException { Reason: InvalidFreeReason.Corrupted });
        block[10] = behind;
        heap.Free(block);
    }
}

using (var context = new MemoryContext(16 << 20))
{
    using (MemoryClient client = context.CreateClient("client", quota: 1 << 20))
    {
        unsafe
        {
            Time("MemoryClient", () => client.Free(client.Allocate(64)));
        }

        client.AllocateSpan<int>(1_000)[999] = 1;
        Check(Refused(() => client.AllocateSpan<byte>(2 << 20)) is ClientExhaustedException { QuotaExceeded: true });
    }

    Check(context.GetStatistics().InUse == 0);
}

return 0;

[MethodImpl(MethodImplOptions.NoInlining)]
static uint AllocateForTheAudit(Arena<uint> arena) => arena.Allocate(1);

static void Time(string what, Action pair)
{
    const int Pairs = 20_000;
    long best = long.MaxValue;
    for (int round = 0; round < 5; round++)
    {
        long start = Stopwatch.GetTimestamp();
        for (int count = 0; count < Pairs; count++)
        {
            pair();
        }

        best = long.Min(best, Stopwatch.GetTimestamp() - start);
    }

    Console.WriteLine($"{what,-24}{best * 1e9 / Stopwatch.Frequency / Pairs,10:F1}");
}

static Exception? Refused(Action call)
{
    try
    {
        call();
        return null;
    }
    catch (Exception refusal) when (refusal is ArenaExhaustedException or InvalidFreeException or ClientExhaustedException)
    {
        return refusal;
    }
}

static void Check(bool holds, [CallerArgumentExpression(nameof(holds))] string what = "")
{
    if (!holds)
    {
        throw new InvalidOperationException($"This does not hold: {what}");
    }
}
