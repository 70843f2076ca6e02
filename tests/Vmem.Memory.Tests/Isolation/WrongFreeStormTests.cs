using Vmem.Memory.Tests.Blocks;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Memory.Tests.Isolation;

/// <summary>Wrong frees without number, of every kind, against a context full of blocks.</summary>
public unsafe class WrongFreeStormTests(ITestOutputHelper output)
{
    private const int BlockSize = 4_096;
    private const int Granules = 24;

    /// <summary>VMEM_STORM sets the number.</summary>
    private static readonly int s_frees = int.TryParse(Environment.GetEnvironmentVariable("VMEM_STORM"), out int frees) ? frees : 1_000_000;

    [Theory]
    [InlineData(MemoryContextFeatures.ZeroOnHandOver)]
    [InlineData(MemoryContextFeatures.PoisonOnFree | MemoryContextFeatures.GuardBytes | MemoryContextFeatures.Synchronized)]
    public void They_are_all_refused_and_change_nothing(MemoryContextFeatures features)
    {
        using ContextOnBlock block = new(
            BlockOrigin.Callers, Granules * BlockSize, new MemoryContextOptions
            {
                Alignment = 16,
                BlockSize = BlockSize,
                Features = features
            });
        MemoryContext context = block.Context;
        SeededRandom random = new(Night.FirstSeed + 23);
        MemoryClient[] clients = [.. Enumerable.Range(0, 3).Select(i => context.CreateClient($"client-{i}"))];
        Dictionary<nint, (MemoryClient Client, byte Value)> live = [];
        List<nint> stale = [];
        Populate(clients, random, live, stale);
        string before = Picture(context, live);

        int[] reasons = new int[Enum.GetValues<InvalidFreeReason>().Length];
        int wrong = s_frees / 2;
        for (int i = 0; i < wrong; i++)
        {
            MemoryClient client = clients[random.Below(clients.Length)];
            nint address = DrawAddress(context, random, live, stale);
            while (live.TryGetValue(address, out (MemoryClient Client, byte Value) owner) && owner.Client == client)
            {
                client = clients[random.Below(clients.Length)];
            }

            reasons[(int)ReasonOf(client, address)]++;
            if (i % (wrong / 10) == 0)
            {
                Assert.Equal(before, Picture(context, live));
            }
        }

        Assert.Equal(wrong, reasons.Sum());
        Assert.Equal(before, Picture(context, live));
        InvalidFreeReason[] expected = [
            InvalidFreeReason.NotAllocated,
            InvalidFreeReason.AlreadyFree,
            InvalidFreeReason.InteriorAddress,
            InvalidFreeReason.OtherOwner
        ];
        Assert.All(expected, reason => Assert.InRange(reasons[(int)reason], wrong / 1_000, wrong));
        Assert.Equal(wrong, expected.Sum(reason => reasons[(int)reason]));
        output.WriteLine($"{wrong:N0} wrong frees: {string.Join(", ", expected.Select(reason => $"{reason} {reasons[(int)reason]:N0}"))}");
        foreach ((nint address, (MemoryClient client, _)) in live)
        {
            client.Free((void*)address);
        }

        context.Trim();
        Assert.Equal(context.Size, context.GetStatistics().LargestFree);
    }

    /// <summary>Blocks of all sizes, a third of them freed again.</summary>
    private static void Populate(MemoryClient[] clients, SeededRandom random, Dictionary<nint, (MemoryClient, byte)> live, List<nint> stale)
    {
        for (int i = 0; i < 300; i++)
        {
            MemoryClient client = clients[random.Below(clients.Length)];
            if (client.TryAllocate((nuint)random.Below(i % 50 == 0 ? 2 * BlockSize : 400), out void* block))
            {
                if (random.Below(3) == 0)
                {
                    client.Free(block);
                    stale.Add((nint)block);
                }
                else
                {
                    new Span<byte>(block, (int)client.GetSize(block)).Fill((byte)i);
                    live[(nint)block] = (client, (byte)i);
                }
            }
        }
    }

    private static nint DrawAddress(
        MemoryContext context,
        SeededRandom random,
        Dictionary<nint, (MemoryClient Client, byte Value)> live,
        List<nint> stale)
    {
        nint within = (nint)context.Start + random.Below((int)context.Size);
        return random.Below(6) switch
        {
            0 => within,
            1 => within & ~(nint)15,
            2 => (nint)context.Start - (2 * BlockSize) + random.Below((Granules + 4) * BlockSize),
            3 => stale[random.Below(stale.Count)],
            4 => live.Keys.ElementAt(random.Below(Math.Min(live.Count, 20))) + random.Below(64),
            _ => (nint)random.Next(),
        };
    }

    private static InvalidFreeReason ReasonOf(MemoryClient client, nint address)
    {
        try
        {
            client.Free((void*)address);
        }
        catch (InvalidFreeException refusal)
        {
            return refusal.Reason;
        }

        throw new Xunit.Sdk.XunitException($"{client.Name} freed {address:x}, which is no block of its.");
    }

    private static string Picture(MemoryContext context, Dictionary<nint, (MemoryClient Client, byte Value)> live)
    {
        context.Validate();
        foreach ((nint address, (MemoryClient client, byte value)) in live)
        {
            ReadOnlySpan<byte> contents = new((void*)address, (int)client.GetSize((void*)address));
            Assert.Equal(-1, contents.IndexOfAnyExcept(value));
        }

        return $"{context.GetStatistics()}\n{string.Join('\n', context.GetClients().Select(client => client.GetStatistics()))}";
    }
}
