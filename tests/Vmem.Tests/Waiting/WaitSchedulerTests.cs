using Vmem.Testing.Generation;
using Xunit;
using Xunit.Sdk;

namespace Vmem.Tests.Waiting;

/// <summary>Thousands of orders in which requests, frees, cancellations and time may come.</summary>
public class WaitSchedulerTests
{
    [Theory]
    [InlineData(0, false)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(3, false)]
    [InlineData(4, true)]
    [InlineData(5, true)]
    [InlineData(6, true)]
    [InlineData(7, true)]
    public void Strict_first_come_first_served_in_one_arena(int part, bool caches)
    {
        int orders = Night.Scaled(250);
        const int Steps = 300;
        int granted = 0;
        int gaveUp = 0;
        int impossible = 0;
        for (int i = 0; i < orders; i++)
        {
            ulong seed = Night.FirstSeed + (ulong)((part * orders) + i);
            Attributed(seed, () =>
            {
                using WaitScheduler scheduler = new(seed, caches);
                for (int step = 0; step < Steps; step++)
                {
                    scheduler.Step();
                }

                if (seed % 2 == 0)
                {
                    scheduler.FreeAll();
                }

                scheduler.DisposeAll();
                granted += scheduler.Granted;
                gaveUp += scheduler.GaveUp;
                impossible += scheduler.Impossible;
            });
        }

        Assert.True(Math.Min(granted, Math.Min(gaveUp, impossible)) > orders, $"Too tame: {granted} granted, {gaveUp} gave up, {impossible} were impossible.");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Nobody_is_forgotten_in_a_chain_of_arenas(int part)
    {
        int orders = Night.Scaled(250);
        const int Steps = 200;
        int granted = 0;
        for (int i = 0; i < orders; i++)
        {
            ulong seed = Night.FirstSeed + (ulong)((part * orders) + i);
            Attributed(seed, () =>
            {
                using StackedWaitScheduler scheduler = new(seed);
                for (int step = 0; step < Steps; step++)
                {
                    scheduler.Step();
                }

                if (seed % 2 == 0)
                {
                    scheduler.FreeAll();
                }

                scheduler.DisposeAll();
                granted += scheduler.Granted;
            });
        }

        Assert.True(granted > orders, $"Too tame: {granted} granted.");
    }

    private static void Attributed(ulong seed, Action run)
    {
        try
        {
            run();
        }
        catch (Exception failure)
        {
            throw new XunitException($"Seed {seed}: {failure.Message}", failure);
        }
    }
}
