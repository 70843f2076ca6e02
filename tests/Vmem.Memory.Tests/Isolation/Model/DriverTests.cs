using System.Buffers;
using System.Globalization;
using Vmem.Testing.Driving;
using Xunit;

namespace Vmem.Memory.Tests.Isolation.Model;

/// <summary>The model tests are worth what their driver finds: every planted fault must be found, and shrunk to a few steps.</summary>
public unsafe class DriverTests
{
    private const MemoryContextFeatures Isolating = MemoryContextFeatures.ZeroOnHandOver;
    private const MemoryContextFeatures Guarding = MemoryContextFeatures.ZeroOnHandOver | MemoryContextFeatures.GuardBytes;

    public static TheoryData<string, MemoryContextFeatures> PlantedFaults => new()
    {
        { nameof(FreesOthersBlocks), Isolating },
        { nameof(ShowsAnothersByte), Isolating },
        { nameof(HandsOutTwice), Isolating },
        { nameof(RefusesWithoutNeed), Isolating },
        { nameof(LosesTheLastByte), Isolating },
        { nameof(ClaimsTooMuch), Guarding },
        { nameof(ForgetsToFree), Isolating },
        { nameof(TrimsLessThanItSays), Isolating },
        { nameof(WritesToNeighbours), Isolating },
        { nameof(LeavesItsBlocksBehind), MemoryContextFeatures.ZeroOnFree },
    };

    [Theory]
    [MemberData(nameof(PlantedFaults))]
    public void A_planted_fault_is_found_and_shrunk(string fault, MemoryContextFeatures features)
    {
        DivergenceException? found = null;
        for (ulong seed = 0; seed < 50 && found is null; seed++)
        {
            try
            {
                ContextRun.Check(ContextScenario.Draw(seed, features, 300), Plant(fault), "planted");
            }
            catch (DivergenceException divergence)
            {
                found = divergence;
            }
        }

        Assert.True(found is not null, $"Not found: {fault}");
        int steps = int.Parse(found.Message.Split('\n')[1].Split(' ')[0], CultureInfo.InvariantCulture);
        Assert.InRange(steps, 1, 8);
    }

    private static Func<MemoryClient, ClientUnderTest> Plant(string fault) => fault switch
    {
        nameof(FreesOthersBlocks) => client => new FreesOthersBlocks(client),
        nameof(ShowsAnothersByte) => client => new ShowsAnothersByte(client),
        nameof(HandsOutTwice) => client => new HandsOutTwice(client),
        nameof(RefusesWithoutNeed) => client => new RefusesWithoutNeed(client),
        nameof(LosesTheLastByte) => client => new LosesTheLastByte(client),
        nameof(ClaimsTooMuch) => client => new ClaimsTooMuch(client),
        nameof(ForgetsToFree) => client => new ForgetsToFree(client),
        nameof(TrimsLessThanItSays) => client => new TrimsLessThanItSays(client),
        nameof(WritesToNeighbours) => client => new WritesToNeighbours(client),
        _ => client => new LeavesItsBlocksBehind(client),
    };

    private sealed class FreesOthersBlocks(MemoryClient client) : ClientUnderTest(client)
    {
        public override void Free(nint block)
        {
            MemoryClient holder = Client.Context.TryGetClient((void*)block, out MemoryClient? found) ? found! : Client;
            holder.Free((void*)block);
        }
    }

    private sealed class ShowsAnothersByte(MemoryClient client) : ClientUnderTest(client)
    {
        public override nint Allocate(AllocationCall call, nuint size, nuint alignment, out IMemoryOwner<byte>? owner)
        {
            nint block = base.Allocate(call, size, alignment, out owner);
            if (block != 0 && size > 100)
            {
                // No client's pattern has this byte.
                *(byte*)(block + 100) = 0x07;
            }

            return block;
        }
    }

    private sealed class HandsOutTwice(MemoryClient client) : ClientUnderTest(client)
    {
        private nint _last;

        public override nint Allocate(AllocationCall call, nuint size, nuint alignment, out IMemoryOwner<byte>? owner)
        {
            owner = null;
            return call == AllocationCall.TryAllocate && _last != 0 ? _last : _last = base.Allocate(call, size, alignment, out owner);
        }
    }

    private sealed class RefusesWithoutNeed(MemoryClient client) : ClientUnderTest(client)
    {
        public override nint Allocate(AllocationCall call, nuint size, nuint alignment, out IMemoryOwner<byte>? owner)
        {
            owner = null;
            // It cannot lie about its failures.
            return size == 33 && call == AllocationCall.TryAllocate
                ? base.Allocate(call, nuint.MaxValue, alignment, out owner)
                : base.Allocate(call, size, alignment, out owner);
        }
    }

    private sealed class LosesTheLastByte(MemoryClient client) : ClientUnderTest(client)
    {
        public override nint Reallocate(nint block, nuint size)
        {
            nuint kept = nuint.Min(GetSize(block), size);
            nint moved = base.Reallocate(block, size);
            if (moved != block && kept > 0)
            {
                *(byte*)(moved + (nint)kept - 1) ^= 1;
            }

            return moved;
        }
    }

    private sealed class ClaimsTooMuch(MemoryClient client) : ClientUnderTest(client)
    {
        public override nuint GetSize(nint block) => base.GetSize(block) + 1;
    }

    private sealed class ForgetsToFree(MemoryClient client) : ClientUnderTest(client)
    {
        private int _frees;

        public override void Free(nint block)
        {
            if (++_frees != 3)
            {
                base.Free(block);
            }
        }
    }

    private sealed class TrimsLessThanItSays(MemoryClient client) : ClientUnderTest(client)
    {
        public override nuint Trim() => base.Trim() + 1;
    }

    private sealed class WritesToNeighbours(MemoryClient client) : ClientUnderTest(client)
    {
        public override nint Reallocate(nint block, nuint size)
        {
            nint moved = base.Reallocate(block, size);
            byte* behind = (byte*)moved + GetSize(moved);
            if (behind < (byte*)Client.Context.Start + Client.Context.Size)
            {
                *behind ^= 1;
            }

            return moved;
        }
    }

    private sealed class LeavesItsBlocksBehind(MemoryClient client) : ClientUnderTest(client)
    {
        public override void Free(nint block)
        {
            base.Free(block);
            *(byte*)block = 1;
        }
    }
}
