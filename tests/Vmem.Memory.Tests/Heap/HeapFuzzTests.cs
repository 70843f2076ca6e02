using Vmem.Memory.Tests.Heap.Model;
using Vmem.Testing.Generation;
using Xunit;

namespace Vmem.Memory.Tests.Heap;

/// <summary>Generated sequences of all calls, over several heaps, with every byte of every block checked.</summary>
public class HeapFuzzTests
{
    private const int Seeds = 60;
    private const int Steps = 1_500;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void Heaps_keep_their_promises(int part)
    {
        for (int seed = part; seed < Night.Scaled(Seeds); seed += 3)
        {
            HeapScenario scenario = HeapScenario.Draw(new SeededRandom(Night.FirstSeed + (ulong)seed), Steps);
            if (HeapRun.FirstFault(scenario) is { } fault)
            {
                HeapScenario least = HeapScenario.Shrink(scenario, candidate => HeapRun.FirstFault(candidate) is not null);
                Assert.Fail($"Seed {Night.FirstSeed + (ulong)seed}: {fault}\nShrunk: {HeapRun.FirstFault(least)}\n{least}");
            }
        }
    }
}
